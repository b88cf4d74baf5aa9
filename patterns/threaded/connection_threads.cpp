// Model: one thread per connection. Starts the threads, keeps to their cap, and waits for the last one to
// end.
// Owner of a connection: the thread that start() gives it to, until that ends with it.
// Runs on: start(), stop() and the waiting on the main thread; what is started on a thread of its own each.
// Wakes a held request: nothing here.
#include "patterns/threaded/connection_threads.hpp"

#include <algorithm>
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

// Makes the next thread first: the one that gets `work` must find the limit as it is then.
bool ConnectionThreads::start(Work work) {
  std::list<Given> given;
  given.emplace_back(std::move(work), false);  // before any thread: it may throw
  if (!has_spare_ && !make_thread()) return false;
  has_spare_ = make_thread();
  given.front().second = !has_spare_;
  {
    const std::lock_guard lock(mutex_);
    work_.splice(work_.end(), given);
  }
  given_.notify_one();
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
  static_cast<ConnectionThreads*>(threads)->run_one();
  return nullptr;
}

void ConnectionThreads::run_one() {
  std::unique_lock lock(mutex_);
  given_.wait(lock, [this] { return !work_.empty(); });
  const auto [work, has_last] = std::move(work_.front());
  work_.pop_front();
  lock.unlock();
  work(has_last);
  lock.lock();
  // Under the lock: once it is free, the main thread may destroy the condition variable.
  if (--threads_ == 0) all_ended_.notify_all();
}

void ConnectionThreads::stop() {
  if (!std::exchange(has_spare_, false)) return;
  {
    const std::lock_guard lock(mutex_);
    work_.emplace_back([](bool) {}, false);
  }
  given_.notify_one();
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
