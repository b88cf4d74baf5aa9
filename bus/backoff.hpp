// How long to wait before the next try to connect: longer after each failure, and by chance, so that many who
// lost one Redis do not come back at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace comet::bus {

class Backoff {
 public:
  static constexpr std::chrono::milliseconds kLeast{50};
  static constexpr std::chrono::milliseconds kMost{2000};

  void succeed() { window_ = kLeast; }
  template <class Random>
  std::chrono::milliseconds next(Random& random) {
    std::uniform_int_distribution<std::int64_t> chance(window_.count() / 2, window_.count());
    window_ = std::min(window_ * 2, kMost);
    return std::chrono::milliseconds(chance(random));
  }

 private:
  std::chrono::milliseconds window_ = kLeast;
};

}  // namespace comet::bus
