// Model: fibers. The ready queue, and the one place where the thread sleeps.
// Owner of a connection: its fiber; the scheduler knows it as a Sleeper only.
// Runs on: the one thread that install()s it; only notify() is for other threads.
// Wakes a held request: wake() on its Sleeper.
#include "patterns/fibers/epoll_scheduler.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "patterns/common/startup.hpp"

namespace comet::fibers {
using namespace common;
namespace {

// A thread that always has ready fibers still looks at its sockets once this many have run.
constexpr unsigned kMostPicks = 256;

thread_local EpollScheduler* installed = nullptr;

}  // namespace

void Sleeper::set_deadline(Milliseconds after) {
  expired_ = false;
  home_.deadlines_.set(*this, Clock::now(), after);
}

void Sleeper::park() {
  fiber_ = boost::fibers::context::active();
  asleep_ = true;
  fiber_->suspend();
}

void Sleeper::wake() {
  if (!std::exchange(asleep_, false)) return;
  if (auto* fiber = std::exchange(fiber_, nullptr)) return home_.awakened(fiber);
  home_.on_woken_without_fiber(*this);
}

EpollScheduler::EpollScheduler()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), notifications_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_ < 0) fail("epoll_create1", errno);
  if (notifications_ < 0) fail("eventfd", errno);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // each write is an event of its own: the counter is never read
  event.data.ptr = nullptr;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, notifications_, &event) != 0) fail("epoll_ctl", errno);
}

EpollScheduler::~EpollScheduler() {
  ::close(notifications_);
  ::close(epoll_);
}

void EpollScheduler::install() {
  installed = this;
  boost::fibers::context::active()->get_scheduler()->set_algo(this);
}

EpollScheduler* EpollScheduler::here() { return installed; }

bool EpollScheduler::watch(int descriptor, Sleeper& sleeper) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &sleeper;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void EpollScheduler::awakened(boost::fibers::context* fiber) noexcept { fiber->ready_link(ready_); }

// Boost.Fiber has one fiber of its own on each thread, the dispatcher. It stands in the ready queue too, so
// its turn comes once all that were ready before it have run. It picks the next one itself; if there is none
// it calls suspend_until(). Events are taken only at its turn: a fiber that is just parking could be woken,
// and so be picked to follow itself.
boost::fibers::context* EpollScheduler::pick_next() noexcept {
  const bool all_had_a_turn = std::exchange(dispatcher_picks_, false);
  if (ready_.empty()) return nullptr;
  if (all_had_a_turn && picks_ > kMostPicks) take_events(0);
  auto* next = &ready_.front();
  ready_.pop_front();
  ++picks_;
  dispatcher_picks_ = next->is_context(boost::fibers::type::dispatcher_context);
  return next;
}

void EpollScheduler::suspend_until(const Clock::time_point& until) noexcept {
  const auto end = std::min(until, deadlines_.next().value_or(Clock::time_point::max()));
  if (end == Clock::time_point::max()) return take_events(-1);
  const auto wait = std::chrono::ceil<Milliseconds>(end - Clock::now()).count();
  take_events(static_cast<int>(std::clamp<Milliseconds::rep>(wait, 0, std::numeric_limits<int>::max())));
}

void EpollScheduler::notify() noexcept {
  const std::uint64_t one = 1;
  if (::write(notifications_, &one, sizeof one) < 0 && errno != EAGAIN) fail("writing to an eventfd", errno);
}

// No fiber runs in here, so no sleeper is destroyed between two events of one batch.
void EpollScheduler::take_events(int timeout_milliseconds) {
  picks_ = 0;
  const int count =
      epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_milliseconds);
  if (count < 0 && errno != EINTR) fail("epoll_wait", errno);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      if (on_notified) on_notified();
      continue;
    }
    auto& sleeper = *static_cast<Sleeper*>(event.data.ptr);
    sleeper.hung_up |= (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    sleeper.readable |= sleeper.hung_up || (event.events & EPOLLIN) != 0;
    sleeper.writable |= sleeper.hung_up || (event.events & EPOLLOUT) != 0;
    sleeper.wake();
  }
  expire_all();
}

void EpollScheduler::expire_all() {
  const auto now = Clock::now();
  while (Deadline* deadline = deadlines_.take_expired(now)) {
    auto& sleeper = static_cast<Sleeper&>(*deadline);
    sleeper.expired_ = true;
    sleeper.wake();
  }
}

}  // namespace comet::fibers
