// Model: one thread per connection. A held request is its thread, blocked here on a condition variable.
// Owner of a connection: its thread; the waiter is shared with whoever is about to end the hold.
// Runs on: wait() on the connection's thread, end() and leave() on any.
// Wakes a held request: whoever ends the hold first. Anyone later is told that it was not theirs.
#include "patterns/threaded/waiter.hpp"

#include <utility>

namespace comet::threaded {

void Waiter::begin() {
  const std::lock_guard lock(mutex_);
  state_ = left_ ? State::left : State::waiting;
  has_input_ = false;
}

bool Waiter::end(State how, const Message& message) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::waiting) return false;
    state_ = how;
    message_ = message;
  }
  changed_.notify_one();
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
  changed_.notify_one();
}

Waiter::State Waiter::wait(Clock::time_point until) {
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, until, [this] { return state_ != State::waiting || has_input_; });
  has_input_ = false;
  return state_;
}

Waiter::State Waiter::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return state_ != State::waiting; });
  return state_;
}

Message Waiter::take_message() {
  const std::lock_guard lock(mutex_);
  return std::exchange(message_, {});
}

void Waiters::add(const std::shared_ptr<Waiter>& waiter) {
  waiter->self_ = waiter;
  waiter->listed_ = true;
  list_.push_back(*waiter);
}

void Waiters::remove(Waiter& waiter) {
  waiter.listed_ = false;
  list_.erase(list_.iterator_to(waiter));
  waiter.self_.reset();
}

std::size_t Waiters::take_all(Waiters& channel) {
  std::size_t count = 0;
  for (Waiter& waiter : channel.list_) {
    waiter.listed_ = false;
    ++count;
  }
  list_.splice(list_.end(), channel.list_);
  return count;
}

std::shared_ptr<Waiter> Waiters::take_first() {
  auto first = std::move(list_.front().self_);
  list_.pop_front();
  return first;
}

}  // namespace comet::threaded
