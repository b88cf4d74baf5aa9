// Model: prefork. The lock of the publishers: one mutex in shared memory, for all processes.
// Owner of a connection: not this file.
// Runs on: a worker that publishes.
// Wakes a held request: nothing here.
#pragma once

#include <pthread.h>

namespace comet::prefork {

// A process can be killed while it has the lock. With an ordinary mutex every later publisher would wait
// forever. This one is robust: the kernel remembers who has it, and when that process has died, the next
// lock() gets the mutex with the notice EOWNERDEAD. It then declares the mutex usable again. What the mutex
// protects needs no repair, since a publisher writes in an order that is whole at every point
// (shared_log.hpp shows it).
//
// For std::lock_guard. Lies in shared memory and is never destroyed.
class RobustLock {
 public:
  RobustLock();

  void lock();  // exits with one line if the kernel refuses
  void unlock();

 private:
  pthread_mutex_t mutex_;
};

}  // namespace comet::prefork
