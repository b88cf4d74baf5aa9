// Model: prefork. Sizing as a function of counts, and the master's loop around it.
// Owner of a connection: the worker that accepted it; the master never touches one.
// Runs on: the master.
// Wakes a held request: nothing here; a worker that was killed while it published is made up for by a ring.
#include "patterns/prefork/worker_pool.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "patterns/common/startup.hpp"
#include "patterns/common/stop_signals.hpp"
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace comet::prefork {
namespace {

constexpr Milliseconds kFirstDelay{20};
constexpr Milliseconds kLongestDelay{5000};
constexpr Milliseconds kQuickDeath{1000};    // a worker that dies younger than this may do so again
constexpr Milliseconds kTick{1000};          // between two looks at a surplus
constexpr Milliseconds kShrinkAfter{10000};  // a surplus that lasts is no lull between two waves of clients

sigset_t pool_signals() {
  sigset_t set = stop_signals();
  sigaddset(&set, SIGCHLD);
  return set;
}

int open_event(int flags) {
  const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | flags);
  if (event < 0) fail("eventfd", errno);
  return event;
}

// Also where `until` is over.
void wait_for(int first, int second, std::optional<Clock::time_point> until) {
  int wait = -1;
  if (until) {
    wait = static_cast<int>(
        std::max<std::int64_t>(0, std::chrono::ceil<Milliseconds>(*until - Clock::now()).count()));
  }
  pollfd events[] = {{first, POLLIN, 0}, {second, POLLIN, 0}};
  if (poll(events, 2, wait) < 0 && errno != EINTR) fail("poll", errno);
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

void Backoff::fail(Clock::time_point now) {
  delay_ = std::clamp(delay_ * 2, kFirstDelay, kLongestDelay);
  until_ = now + delay_;
}

WorkerPool::WorkerPool(const PoolOptions& options, Scoreboard& board, const Bells& bells,
                       std::function<void(std::size_t)> work)
    : options_(options),
      board_(board),
      bells_(bells),
      work_(std::move(work)),
      growth_(open_event(0)),
      retirement_(open_event(EFD_SEMAPHORE)),
      workers_(map_shared_array<Worker>(options.most), options.most) {
  const sigset_t set = pool_signals();
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) fail("sigprocmask", errno);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) fail("signalfd", errno);
}

bool WorkerPool::start() {
  resize();
  return total_ > 0;
}

void WorkerPool::supervise() {
  while (true) {
    wait_for(signals_, growth_, next_look());
    if (stop_requested()) return;
    eventfd_t asked;
    if (eventfd_read(growth_, &asked) != 0 && errno != EAGAIN) fail("reading an eventfd", errno);
    resize();
  }
}

// True once for a request to stop; buries the dead. Only after SIGCHLD: waitpid() looks at every child.
bool WorkerPool::stop_requested() {
  bool some_ended = false;
  signalfd_siginfo signal;
  while (read(signals_, &signal, sizeof signal) == sizeof signal) {
    some_ended = some_ended || signal.ssi_signo == SIGCHLD;
    if (signal.ssi_signo == SIGCHLD) continue;
    const sigset_t set = stop_signals();
    if (sigprocmask(SIG_UNBLOCK, &set, nullptr) != 0) fail("sigprocmask", errno);
    return true;
  }
  if (some_ended) reap();
  return false;
}

std::optional<Clock::time_point> WorkerPool::next_look() const {
  const auto now = Clock::now();
  if (!backoff_.over(now)) return backoff_.until();
  if (total_ > options_.least) return now + kTick;
  return {};
}

void WorkerPool::resize() {
  auto& shared = board_.shared();
  shared.growth_asked = false;
  const auto now = Clock::now();
  bool can_start = backoff_.over(now);
  const auto wanted = [this] {
    return pool_change({board_.idle.count(), total_, options_.least, options_.most, kLeastIdle, kMostIdle});
  };
  for (std::size_t left = std::max(wanted().start, owed_); left > 0 && can_start; --left) {
    can_start = start_worker();
  }
  shared.can_grow = can_start && total_ < options_.most;
  if (!can_start && board_.available.count() == 0) {
    shared.shed = true;
    bells_.ring_all();
  }
  retire(wanted().retire);
}

// Tokens that no worker has taken are taken back once there is no surplus any more.
void WorkerPool::retire(std::size_t count) {
  const auto now = Clock::now();
  if (count == 0) {
    eventfd_t token;
    while (next_retirement_ && eventfd_read(retirement_, &token) == 0) continue;
    next_retirement_.reset();
    return;
  }
  if (!next_retirement_) next_retirement_ = now + kShrinkAfter;
  if (now < *next_retirement_) return;
  next_retirement_ = now + kTick;
  for (; count > 0; --count) {  // each write wakes one, whatever it adds
    if (eventfd_write(retirement_, 1) != 0) fail("writing an eventfd", errno);
  }
}

// False where the system allows no more processes; that is said once, until it allows them again.
bool WorkerPool::start_worker() {
  const auto free =
      std::find_if(workers_.begin(), workers_.end(), [](const Worker& worker) { return worker.pid == 0; });
  const auto slot = static_cast<std::size_t>(free - workers_.begin());
  const pid_t master = getpid();
  board_.idle.add(slot);  // from now on, so that no other is started in its place
  board_.available.add(slot);
  board_.fresh.add(slot);
  board_.shared().can_grow = total_ + 1 < options_.most;  // before it runs: it may be the last, and must know
  const pid_t pid = _Fork();
  if (pid == 0) become_worker(slot, master);
  if (pid < 0) {
    if (!std::exchange(fork_failed_, true)) {
      std::fprintf(stderr,
                   "comet-prefork: cannot start more than %zu workers: %s; raise the limit of processes\n",
                   total_, std::strerror(errno));
    }
    board_.clear(slot);
    backoff_.fail(Clock::now());
    return false;
  }
  fork_failed_ = false;
  *free = {pid, Clock::now()};
  ++total_;
  owed_ -= std::min<std::size_t>(owed_, 1);
  return true;
}

// Signals stay blocked in workers: the master drains them, though a terminal sends its signal to all. The
// master's death is theirs.
void WorkerPool::become_worker(std::size_t slot, pid_t master) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != master) _exit(1);
  ::close(signals_);
  work_(slot);
#ifdef __SANITIZE_ADDRESS__
  __lsan_do_leak_check();  // _exit() runs none
#endif
  _exit(0);
}

void WorkerPool::reap() {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) bury(pid, status);
}

// One that was killed may have published without ringing, asked for growth without saying so, or been woken
// for a connection that it has not accepted: of that the others hear nothing, but a new worker sees it.
void WorkerPool::bury(pid_t pid, int status) {
  const auto worker =
      std::find_if(workers_.begin(), workers_.end(), [pid](const Worker& each) { return each.pid == pid; });
  if (worker == workers_.end()) return;
  const auto slot = static_cast<std::size_t>(worker - workers_.begin());
  const bool unused = board_.fresh.contains(slot) && Clock::now() - worker->started < kQuickDeath;
  board_.clear(slot);
  worker->pid = 0;
  --total_;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  bells_.ring_all();
  ++owed_;
  if (unused) {
    backoff_.fail(Clock::now());
  } else {
    backoff_.succeed();
  }
  if (board_.shared().draining) return;
  if (WIFSIGNALED(status)) {
    std::fprintf(stderr, "comet-prefork: worker %d was ended by signal %d (%s)\n", pid, WTERMSIG(status),
                 sigdescr_np(WTERMSIG(status)));
  } else {
    std::fprintf(stderr, "comet-prefork: worker %d ended with status %d\n", pid, WEXITSTATUS(status));
  }
}

void WorkerPool::ask_for_growth() {
  auto& shared = board_.shared();
  if (board_.idle.count() >= kLeastIdle || !shared.can_grow || shared.growth_asked.exchange(true)) return;
  if (eventfd_write(growth_, 1) != 0) fail("writing an eventfd", errno);
}

void WorkerPool::finish(Milliseconds time) {
  const auto until = Clock::now() + time;
  reap();
  while (total_ > 0 && Clock::now() < until) {
    wait_for(signals_, -1, until);
    signalfd_siginfo signal;
    while (read(signals_, &signal, sizeof signal) > 0) continue;
    reap();
  }
  for (const Worker& worker : workers_) {
    if (worker.pid > 0) kill(worker.pid, SIGKILL);
  }
  while (total_ > 0) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, 0);
    if (pid > 0) bury(pid, status);
    if (pid < 0 && errno != EINTR) break;
  }
}

}  // namespace comet::prefork
