// Closes a stream whose time is over, so that what waits for it fails.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

namespace comet::relay {
namespace asio = boost::asio;

template <class Stream>
class TimeLimit {
 public:
  // `stream` must outlive it.
  explicit TimeLimit(Stream& stream) : watch_(std::make_shared<Watch>(stream)) {}
  TimeLimit(Stream& stream, std::chrono::milliseconds most) : TimeLimit(stream) { allow(most); }

  // From now on, instead of what was allowed before.
  void allow(std::chrono::milliseconds most) {
    watch_->timer.expires_after(most);
    // It may be on its way already when the limit ends or changes, and then it is about nothing.
    watch_->timer.async_wait([weak = std::weak_ptr(watch_)](const boost::system::error_code& cancelled) {
      const auto watch = weak.lock();
      if (cancelled || !watch || watch->timer.expiry() > std::chrono::steady_clock::now()) return;
      boost::system::error_code ignored;  // it is closed in any case
      watch->stream.close(ignored);
    });
  }
  void lift() { watch_->timer.expires_at(std::chrono::steady_clock::time_point::max()); }

 private:
  struct Watch {
    explicit Watch(Stream& watched) : stream(watched), timer(watched.get_executor()) {}
    Stream& stream;
    asio::steady_timer timer;
  };
  std::shared_ptr<Watch> watch_;
};

}  // namespace comet::relay
