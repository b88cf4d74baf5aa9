// Model: one thread per connection. A held request is its thread, blocked here on a condition variable.
// Owner of a connection: its thread; the waiter is shared with the channel's list and with the watcher.
// Runs on: wait() on the connection's thread, end() and leave() on any.
// Wakes a held request: whoever ends the hold first; everybody later is told that it was not theirs.
#include "patterns/threaded/waiter.hpp"

#include <utility>

namespace comet::threaded {

void Waiter::begin() {
  const std::lock_guard lock(mutex_);
  state_ = left_ ? State::left : State::waiting;
  has_input_ = false;
}

bool Waiter::end(State how) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::waiting) return false;
    state_ = how;
  }
  ended_.notify_one();
  return true;
}

bool Waiter::end(const Message& message) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::waiting) return false;
    state_ = State::message;
    message_ = message;
  }
  ended_.notify_one();
  return true;
}

void Waiter::leave() {
  {
    const std::lock_guard lock(mutex_);
    left_ = true;
  }
  end(State::left);
}

void Waiter::notice_input() {
  {
    const std::lock_guard lock(mutex_);
    has_input_ = true;
  }
  ended_.notify_one();
}

Waiter::State Waiter::wait(Clock::time_point until) {
  std::unique_lock lock(mutex_);
  ended_.wait_until(lock, until, [this] { return state_ != State::waiting || has_input_; });
  has_input_ = false;
  return state_;
}

Waiter::State Waiter::wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return state_ != State::waiting; });
  return state_;
}

Message Waiter::take_message() {
  const std::lock_guard lock(mutex_);
  return std::exchange(message_, {});
}

std::shared_ptr<Waiter> take_first(Waiters& waiters) {
  auto first = std::move(waiters.front().self);
  waiters.pop_front();
  return first;
}

}  // namespace comet::threaded
