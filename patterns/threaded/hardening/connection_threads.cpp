// Model: one thread per connection. Starts the threads, keeps to their cap, and waits for the
// last one to end.
// Owner of a connection: the thread that start() gives it to, until that thread ends.
// Runs on: start(), stop() and wait_for_all() on the main thread; each piece of work on a thread of its own.
// Wakes a held request: nothing here.
#include "patterns/threaded/hardening/connection_threads.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "patterns/common/startup.hpp"

namespace comet::threaded {
using namespace common;

ConnectionThreads::ConnectionThreads(std::size_t most, std::size_t stack_size) : most_(most), limit_(most) {
  int error = pthread_attr_init(&attributes_);
  if (error == 0) error = pthread_attr_setdetachstate(&attributes_, PTHREAD_CREATE_DETACHED);
  if (error == 0) error = pthread_attr_setstacksize(&attributes_, stack_size);
  if (error != 0) fail("setting --stack-size", error);
}

ConnectionThreads::~ConnectionThreads() { pthread_attr_destroy(&attributes_); }

// Makes the next spare thread first: the thread that gets `work` must find limit() up to date.
bool ConnectionThreads::start(Work work) {
  std::list<Assignment> assignment;
  try {
    assignment.push_back({std::move(work), false});
  } catch (const std::bad_alloc&) {
    return false;
  }
  if (!has_spare_ && !make_thread()) return false;
  has_spare_ = make_thread();
  assignment.front().is_last = !has_spare_;
  {
    const std::lock_guard lock(mutex_);
    assignments_.splice(assignments_.end(), assignment);
  }
  assigned_.notify_one();
  return true;
}

bool ConnectionThreads::make_thread() {
  std::size_t others = 0;
  {
    const std::lock_guard lock(mutex_);
    others = threads_;
    if (others == most_) return false;
    ++threads_;
  }
  pthread_t thread;
  const bool made = pthread_create(&thread, &attributes_, run, this) == 0;
  limit_ = made ? most_ : std::max<std::size_t>(others, 1);
  if (!made) {
    const std::lock_guard lock(mutex_);
    --threads_;
  }
  return made;
}

void* ConnectionThreads::run(void* threads) {
  auto& self = *static_cast<ConnectionThreads*>(threads);
  const Assignment mine = self.take_assignment();
  mine.work(mine.is_last);
  self.end_thread();
  return nullptr;
}

ConnectionThreads::Assignment ConnectionThreads::take_assignment() {
  std::unique_lock lock(mutex_);
  assigned_.wait(lock, [this] { return !assignments_.empty(); });
  Assignment mine = std::move(assignments_.front());
  assignments_.pop_front();
  return mine;
}

// Notifies under the lock: once it is free, the main thread may destroy the condition variable.
void ConnectionThreads::end_thread() {
  const std::lock_guard lock(mutex_);
  if (--threads_ == 0) all_ended_.notify_all();
}

void ConnectionThreads::stop() {
  if (!std::exchange(has_spare_, false)) return;
  {
    const std::lock_guard lock(mutex_);
    assignments_.push_back({[](bool) {}, false});
  }
  assigned_.notify_one();
}

bool ConnectionThreads::wait_for_all(Milliseconds time) {
  std::unique_lock lock(mutex_);
  return all_ended_.wait_for(lock, time, [this] { return threads_ == 0; });
}

void ConnectionThreads::wait_for_all() {
  std::unique_lock lock(mutex_);
  all_ended_.wait(lock, [this] { return threads_ == 0; });
}

}  // namespace comet::threaded
