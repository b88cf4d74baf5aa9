// Model: one thread per connection. Starts the threads, keeps to their cap, and waits for the
// last one to end.
// Owner of a connection: the thread that start() gives it to, until that thread ends.
// Runs on: start(), stop() and wait_for_all() on the main thread; each piece of work on a thread of its own.
// Wakes a held request: nothing here.
//
// A spare thread is always ready before the next client comes. If the system refuses to make the next spare
// one, that is known while one thread is still free: that one is the last, and may be kept for publishers.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>

#include "core/options.hpp"

namespace comet::threaded {
using namespace core;

class ConnectionThreads {
 public:
  // At most `most` threads at a time, each with a stack of `stack_size` bytes, in which its thread-local
  // storage lies too. Pages of a stack that are never touched cost address space only.
  ConnectionThreads(std::size_t most, std::size_t stack_size);
  ~ConnectionThreads();

  // Runs `work` on a thread of its own, and tells it whether it has the last one. False, and `work` is not
  // run, if there is none: at the cap, or when the system or memory gives no more.
  using Work = std::function<void(bool is_last)>;
  bool start(Work work);

  // How many threads there may be: the limit the system enforced, once it has; else `most`. While all threads
  // but one hold, no further one may begin to, so a publisher finds the last one free.
  std::size_t limit() const { return limit_; }

  // Ends the spare thread; nothing may be started after that.
  void stop();
  // True once no thread is left; false if `time` was over first.
  bool wait_for_all(Milliseconds time);
  void wait_for_all();

 private:
  struct Assignment {
    Work work;
    bool is_last;
  };
  bool make_thread();
  static void* run(void* threads);
  Assignment take_assignment();
  void end_thread();

  const std::size_t most_;
  std::atomic<std::size_t> limit_;
  pthread_attr_t attributes_;
  bool has_spare_ = false;  // the main thread's
  std::mutex mutex_;        // guards what follows
  std::condition_variable assigned_;
  std::list<Assignment> assignments_;  // for the spare thread, which has not taken them yet
  std::condition_variable all_ended_;
  std::size_t threads_ = 0;  // the spare one included
};

}  // namespace comet::threaded
