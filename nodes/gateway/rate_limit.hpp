// A client that sends faster than it may is made to wait; nothing of it is refused.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace comet::gateway {
namespace asio = boost::asio;

class RateLimit {
 public:
  // A second's messages may come at once.
  explicit RateLimit(std::size_t messages_a_second)
      : interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / messages_a_second) {}

  // Before each message.
  asio::awaitable<void> wait(asio::io_context& loop) {
    const auto now = std::chrono::steady_clock::now();
    next_ = std::max(next_, now - std::chrono::seconds(1)) + interval_;
    if (next_ <= now) co_return;
    asio::steady_timer timer(loop, next_);
    co_await timer.async_wait(asio::use_awaitable);
  }

 private:
  const std::chrono::nanoseconds interval_;
  std::chrono::steady_clock::time_point next_;  // when the next message is due, at an even pace
};

}  // namespace comet::gateway
