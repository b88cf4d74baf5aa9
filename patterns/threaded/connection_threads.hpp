// Model: one thread per connection. Starts the threads, keeps to their cap, and waits for the last one to
// end.
// Owner of a connection: the thread that start() gives it to, until that ends with it.
// Runs on: start(), stop() and the waiting on the main thread; what is started on a thread of its own each.
// Wakes a held request: nothing here.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <utility>

#include "core/options.hpp"

namespace comet::threaded {
using namespace core;

class ConnectionThreads {
 public:
  // At most `most` threads at a time, each with a stack of `stack_size` bytes, its thread-local storage
  // included. Pages of it that are never touched cost address space only.
  ConnectionThreads(std::size_t most, std::size_t stack_size);
  ~ConnectionThreads();

  // Runs `work` on a thread of its own: on the spare one, and makes the next spare one. It is told whether it
  // has the last one. False, and `work` is not run, where there is none: at the cap, or where the system
  // gives no more.
  using Work = std::function<void(bool has_last)>;
  bool start(Work work);

  // How many threads there may be: what the system refused to exceed, once it did, or else `most`. While all
  // but one of them hold, none may begin to: so a publisher finds the last one.
  std::size_t limit() const { return limit_; }

  // Ends the spare thread; nothing may be started after that.
  void stop();
  // True once no thread is left; false where `time` was over first.
  bool wait_for_all(Milliseconds time);
  void wait_for_all();

 private:
  using Given = std::pair<Work, bool>;  // and whether it has the last thread
  bool make_thread();
  static void* run(void* threads);
  void run_one();

  const std::size_t most_;
  std::atomic<std::size_t> limit_;
  pthread_attr_t attributes_;
  bool has_spare_ = false;  // the main thread's
  std::mutex mutex_;        // guards what follows
  std::condition_variable given_;
  std::list<Given> work_;  // given to the spare thread and not yet taken
  std::condition_variable all_ended_;
  std::size_t threads_ = 0;  // the spare one included
};

}  // namespace comet::threaded
