// What one client has yet to be sent. Bounded: a client that reads too slowly loses its connection, not messages,
// for it comes back with its cursor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

namespace comet::gateway {
namespace asio = boost::asio;

// Of RFC 6455, section 7.4: why a WebSocket is closed.
constexpr std::uint16_t kGoingAway = 1001, kUnsupported = 1003, kPolicy = 1008, kTryAgain = 1013;

using Text = std::shared_ptr<const std::string>;  // one for all who are sent it

class Outbox {
 public:
  using Clock = std::chrono::steady_clock;

  // `most`: bytes; one text is taken at any size.
  Outbox(const asio::any_io_executor& executor, std::size_t most) : wake_(executor), most_(most) {}

  void push(Text text) {
    if (closed_) return;
    if (!texts_.empty() && bytes_ + text->size() > most_) return close(kTryAgain);
    bytes_ += text->size();
    texts_.push_back(std::move(text));
    wake_.cancel();
  }
  void push(std::string text) { push(std::make_shared<const std::string>(std::move(text))); }

  // Nothing more is taken. What is there can still be sent.
  void close(std::uint16_t code = kGoingAway) {
    if (closed_) return;
    closed_ = true;
    close_code_ = code;
    wake_.cancel();
  }

  // Returns when there is something, or it is closed, or `until` has come. A new wait ends one before it.
  asio::awaitable<void> wait(Clock::time_point until) {
    for (const auto mine = ++waits_; mine == waits_ && texts_.empty() && !closed_ && Clock::now() < until;) {
      wake_.expires_at(until);
      boost::system::error_code cancelled;
      co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
  }

  // Ends a wait.
  void release() {
    ++waits_;
    wake_.cancel();
  }

  bool empty() const { return texts_.empty(); }
  bool is_closed() const { return closed_; }
  std::uint16_t close_code() const { return close_code_; }
  std::deque<Text> take_all() {
    bytes_ = 0;
    return std::exchange(texts_, {});
  }

 private:
  std::deque<Text> texts_;
  asio::steady_timer wake_;
  std::uint64_t waits_ = 0;
  std::size_t bytes_ = 0;
  const std::size_t most_;
  bool closed_ = false;
  std::uint16_t close_code_ = kGoingAway;
};

}  // namespace comet::gateway
