// Model: a pool of threads; a held request is a Continuation. Here: one Asio timer for all deadlines.
// Owner of a connection: its owner sets and cancels its deadline; the lists are guarded by a mutex.
// Runs on: any thread of the pool.
// Wakes a held request: its time, as Event::time_over.
#include "patterns/continuations/deadline_timer.hpp"

#include <utility>

namespace comet::continuations {
namespace {

// Connections whose time is over are handled in batches: after one the timer fires again, behind what else
// waits for the pool.
constexpr std::size_t kMostAtOnce = 64;

}  // namespace

DeadlineTimer::DeadlineTimer(boost::asio::io_context& pool, Raise raise, Run run)
    : raise_(std::move(raise)), run_(std::move(run)), timer_(pool.get_executor()) {}

void DeadlineTimer::set(Deadline& deadline, Milliseconds after) {
  const auto now = Clock::now();
  const std::lock_guard lock(mutex_);
  deadlines_.set(deadline, now, after);
  if (deadline.at < timer_at_) arm();
}

void DeadlineTimer::cancel(Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  Deadlines::cancel(deadline);
}

void DeadlineTimer::expire() {
  std::vector<Deadline*> mine;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    while (mine.size() < kMostAtOnce) {
      Deadline* deadline = deadlines_.take_expired(now);
      if (!deadline) break;
      if (raise_(*deadline, Event::time_over)) mine.push_back(deadline);
    }
    arm();
  }
  for (Deadline* deadline : mine) run_(*deadline);
}

void DeadlineTimer::end_all(Event event) {
  std::vector<Deadline*> mine;
  {
    const std::lock_guard lock(mutex_);
    while (Deadline* deadline = deadlines_.take_expired(Clock::time_point::max())) {
      if (raise_(*deadline, event)) mine.push_back(deadline);
    }
  }
  for (Deadline* deadline : mine) run_(*deadline);
}

void DeadlineTimer::stop() {
  const std::lock_guard lock(mutex_);
  timer_.cancel();
}

// The timer fires at the earliest deadline. If that one is set anew meanwhile, it fires too early, finds
// nothing, and is armed again.
void DeadlineTimer::arm() {
  const auto next = deadlines_.next();
  timer_at_ = next.value_or(Clock::time_point::max());
  if (!next) return;
  timer_.expires_at(*next);
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (!cancelled) expire();
  });
}

}  // namespace comet::continuations
