// A mutex and a condition variable, as the standard library has them. In the teaching build a test can stop a
// thread before it takes the mutex and after it has let go of it, and so try every order of two threads.
// Write `std::unique_lock lock(mutex_);` without a type in angle brackets: it differs between the two builds.
#pragma once

#include <condition_variable>
#include <mutex>

#include "labs/kit/pause_point.hpp"

namespace kit {

#ifdef COMET_LAB_PAUSES

class Mutex {
 public:
  void lock() {
    pause_point("mutex");
    mutex_.lock();
  }
  void unlock() {
    mutex_.unlock();
    pause_point("mutex");
  }

 private:
  std::mutex mutex_;
};
using ConditionVariable = std::condition_variable_any;  // takes a lock of any mutex

#else

using Mutex = std::mutex;
using ConditionVariable = std::condition_variable;

#endif

}  // namespace kit
