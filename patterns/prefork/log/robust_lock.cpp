// Model: prefork. A process-shared robust mutex of POSIX threads.
// Owner of a connection: not this file.
// Runs on: the master, which makes it; a worker that publishes.
// Wakes a held request: nothing here.
#include "patterns/prefork/log/robust_lock.hpp"

#include <cerrno>

#include "patterns/common/startup.hpp"

namespace comet::prefork {
using namespace common;

// On Linux the first four calls fail only for bad arguments.
RobustLock::RobustLock() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  if (const int error = pthread_mutex_init(&mutex_, &attributes)) fail("making the lock of the log", error);
  pthread_mutexattr_destroy(&attributes);
}

void RobustLock::lock() {
  int error = pthread_mutex_lock(&mutex_);
  if (error == EOWNERDEAD) error = pthread_mutex_consistent(&mutex_);
  if (error != 0) fail("locking the log", error);
}

void RobustLock::unlock() {
  if (const int error = pthread_mutex_unlock(&mutex_)) fail("unlocking the log", error);
}

}  // namespace comet::prefork
