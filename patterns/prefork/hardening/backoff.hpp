// Model: prefork. The pause before a worker is started after one that crashed at once or could not be forked.
// It doubles from 20 ms to 5 s, so a worker that crashes every time does not take the whole processor.
// Owner of a connection: not this file.
// Runs on: the master.
// Wakes a held request: nothing here.
#pragma once

#include <algorithm>

#include "core/deadlines.hpp"
#include "core/options.hpp"

namespace comet::prefork {
using namespace core;

class Backoff {
 public:
  void fail(Clock::time_point now) {
    delay_ = std::clamp(delay_ * 2, kFirstDelay, kLongestDelay);
    until_ = now + delay_;
  }
  void succeed() { delay_ = Milliseconds{0}; }
  bool over(Clock::time_point now) const { return now >= until_; }
  Clock::time_point until() const { return until_; }

 private:
  static constexpr Milliseconds kFirstDelay{20};
  static constexpr Milliseconds kLongestDelay{5000};

  Milliseconds delay_{0};
  Clock::time_point until_{};
};

}  // namespace comet::prefork
