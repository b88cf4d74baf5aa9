// Model: prefork. The master's loop, and how many workers it keeps.
// Owner of a connection: the worker that accepted it; the master never touches one.
// Runs on: the master; become_worker(), take_retirement() and ask_for_growth() on a worker.
// Wakes a held request: nothing here.
#include "patterns/prefork/worker_pool.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "patterns/common/startup.hpp"
#include "patterns/prefork/worker_epoll.hpp"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace comet::prefork {
namespace {

constexpr Milliseconds kTick{1000};          // between two looks at a surplus
constexpr Milliseconds kShrinkAfter{10000};  // a surplus that lasts is no lull between two waves of clients

int open_event(int flags) {
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | flags);
  if (event < 0) fail("eventfd", errno);
  return event;
}

// Until one can be read (-1 is none), or the time is over.
void wait_for(std::array<int, 3> descriptors, std::optional<Clock::time_point> until) {
  pollfd events[] = {{descriptors[0], POLLIN, 0}, {descriptors[1], POLLIN, 0}, {descriptors[2], POLLIN, 0}};
  if (poll(events, 3, until ? milliseconds_until(*until) : -1) < 0 && errno != EINTR) fail("poll", errno);
}

}  // namespace

PoolChange pool_change(const PoolState& state) {
  const std::size_t for_least = state.least - std::min(state.least, state.total);
  const std::size_t for_idle = state.least_idle - std::min(state.least_idle, state.idle);
  const std::size_t start =
      std::min(std::max(for_least, for_idle), state.most - std::min(state.most, state.total));
  if (start > 0) return {start, 0};
  const std::size_t surplus = state.idle - std::min(state.idle, state.most_idle);
  return {0, std::min((surplus + 15) / 16, state.total - std::min(state.total, state.least))};
}

WorkerPool::WorkerPool(const PoolOptions& options, Scoreboard& board, const ChannelEvents& events,
                       std::function<void(std::size_t)> work)
    : options_(options),
      board_(board),
      events_(events),
      work_(std::move(work)),
      growth_(open_event(0)),
      retirement_(open_event(EFD_SEMAPHORE)),
      workers_(map_shared_array<pid_t>(options.most), options.most) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &child, nullptr) != 0) fail("sigprocmask", errno);
  child_ended_ = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (child_ended_ < 0) fail("signalfd", errno);
}

bool WorkerPool::start() {
  resize();
  return total_ > 0;
}

void WorkerPool::supervise(const StopSignals& signals) {
  while (true) {
    wait_for({signals.descriptor(), child_ended_, growth_}, next_look());
    if (signals.come()) return;
    bury_the_dead();
    eventfd_t asked;
    if (eventfd_read(growth_, &asked) != 0 && errno != EAGAIN) fail("reading an eventfd", errno);
    resize();
  }
}

std::optional<Clock::time_point> WorkerPool::next_look() const {
  const auto now = Clock::now();
  if (!backoff_.over(now)) return backoff_.until();
  if (total_ > options_.least) return now + kTick;
  return {};
}

void WorkerPool::resize() {
  board_.shared().growth_asked = false;
  const auto wanted = [this] {
    return pool_change({board_.idle(), total_, options_.least, options_.most, kLeastIdle, kMostIdle});
  };
  bool can_start = backoff_.over(Clock::now());
  for (std::size_t left = std::max(wanted().start, owed_); left > 0 && can_start; --left) {
    can_start = start_worker();
  }
  board_.shared().can_grow = can_start && total_ < options_.most;
  shed_if_none_is_free(can_start);
  retire(wanted().retire);
}

// The slot counts as idle before its worker runs, so that no other is started in its place. `can_grow` is set
// before, too, because the new worker may be the last one and must know it. False if the system allows no
// more processes.
bool WorkerPool::start_worker() {
  const std::size_t slot = slot_of(0);
  const pid_t master = getpid();
  board_.set(slot, WorkerState::starting);
  board_.shared().can_grow = total_ + 1 < options_.most;
  // Not fork(): it also prepares the C library for threads, and what that writes costs each worker 12 KiB.
  const pid_t pid = _Fork();
  if (pid == 0) become_worker(slot, master);
  if (pid < 0) {
    note_failed_fork(slot);
    return false;
  }
  fork_failed_ = false;
  workers_[slot] = pid;
  ++total_;
  owed_ -= std::min<std::size_t>(owed_, 1);
  return true;
}

// A worker dies with its master. The stop signals stay blocked in it: a terminal sends them to all processes,
// but it is the master that drains the workers.
void WorkerPool::become_worker(std::size_t slot, pid_t master) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != master) _exit(1);
  work_(slot);
#ifdef __SANITIZE_ADDRESS__
  __lsan_do_leak_check();  // _exit() runs none
#endif
  _exit(0);
}

// The event counts the workers that are to retire. A worker that takes one off the count retires. Once there
// is no surplus any more, the master takes off what is left.
void WorkerPool::retire(std::size_t count) {
  const auto now = Clock::now();
  if (count == 0) {
    while (next_retirement_ && take_retirement()) continue;
    next_retirement_.reset();
    return;
  }
  if (!next_retirement_) next_retirement_ = now + kShrinkAfter;
  if (now < *next_retirement_) return;
  next_retirement_ = now + kTick;
  for (; count > 0; --count) {  // each write wakes one worker, whatever it adds
    if (eventfd_write(retirement_, 1) != 0) fail("writing an eventfd", errno);
  }
}

bool WorkerPool::take_retirement() const {
  eventfd_t unit;
  return eventfd_read(retirement_, &unit) == 0;
}

void WorkerPool::ask_for_growth() {
  auto& shared = board_.shared();
  if (board_.idle() >= kLeastIdle || !shared.can_grow || shared.growth_asked.exchange(true)) return;
  if (eventfd_write(growth_, 1) != 0) fail("writing an eventfd", errno);
}

// Only after SIGCHLD: waitpid() looks at every child.
void WorkerPool::bury_the_dead() {
  bool some_ended = false;
  signalfd_siginfo signal;
  while (read(child_ended_, &signal, sizeof signal) == sizeof signal) some_ended = true;
  if (!some_ended) return;
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    const std::size_t slot = slot_of(pid);
    if (slot == workers_.size()) continue;
    const bool crashed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    if (crashed) make_up_for(pid, status);
    board_.clear(slot);
    workers_[slot] = 0;
    --total_;
  }
}

std::size_t WorkerPool::slot_of(pid_t worker) const {
  return static_cast<std::size_t>(std::find(workers_.begin(), workers_.end(), worker) - workers_.begin());
}

void WorkerPool::finish(Milliseconds time) {
  const auto until = Clock::now() + time;
  bury_the_dead();
  while (total_ > 0 && Clock::now() < until) {
    wait_for({child_ended_, -1, -1}, until);
    bury_the_dead();
  }
  for (const pid_t worker : workers_) {
    if (worker > 0) kill(worker, SIGKILL);
  }
  while (total_ > 0) {
    wait_for({child_ended_, -1, -1}, {});
    bury_the_dead();
  }
}

}  // namespace comet::prefork
