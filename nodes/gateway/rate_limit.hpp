// How fast one client may send.
#pragma once

#include <algorithm>
#include <chrono>

namespace comet::gateway {

class RateLimit {
 public:
  // A second's messages may come at once.
  explicit RateLimit(std::size_t messages_a_second)
      : interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / messages_a_second) {}

  // For each message: whether it may be sent now.
  bool allows() {
    const auto now = Clock::now();
    const auto next = std::max(next_, now - std::chrono::seconds(1)) + interval_;
    if (next > now) return false;
    next_ = next;
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  const std::chrono::nanoseconds interval_;
  Clock::time_point next_;  // up to when the messages so far would last at an even pace
};

}  // namespace comet::gateway
