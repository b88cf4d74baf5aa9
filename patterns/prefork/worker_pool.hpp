// Model: prefork. The pool of workers: how many there should be, and the master's work of starting, ending
// and replacing them.
// Owner of a connection: the worker that accepted it; the master never touches one.
// Runs on: the master, the one thread of the process that was started.
// Wakes a held request: nothing here. The master is woken by a worker that finds few others idle (an
// eventfd), by a worker's end or a request to stop (a signalfd), and once a second by the tick while there
// are more workers than the least.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "core/deadlines.hpp"
#include "core/options.hpp"
#include "patterns/prefork/bells.hpp"
#include "patterns/prefork/scoreboard.hpp"

namespace comet::prefork {

struct PoolOptions {
  std::size_t least = 5;
  std::size_t most = 30;
  std::uint64_t max_requests = 0;  // after these a worker is replaced; 0: never
};

// The defaults of Apache's prefork (MinSpareServers, MaxSpareServers).
constexpr std::size_t kLeastIdle = 5;
constexpr std::size_t kMostIdle = 10;

struct PoolState {
  std::size_t idle, total, least, most, least_idle, most_idle;
};
struct PoolChange {
  std::size_t start, retire;  // at most one of them is not 0

  bool operator==(const PoolChange&) const = default;
};
// Up to `least` workers and `least_idle` idle ones are started at once; of those over `most_idle` a sixteenth
// is retired per call, so that a large surplus goes in a minute or two and a small one by ones.
PoolChange pool_change(const PoolState& state);

// How long no worker is started after one that died at once or could not be forked: doubles from 20 ms to 5
// s.
class Backoff {
 public:
  void fail(Clock::time_point now);
  void succeed() { delay_ = Milliseconds{0}; }
  bool over(Clock::time_point now) const { return now >= until_; }
  Clock::time_point until() const { return until_; }

 private:
  Milliseconds delay_{0};
  Clock::time_point until_{};
};

class WorkerPool {
 public:
  // `work` is what a worker does in its slot; when it returns, the worker ends.
  WorkerPool(const PoolOptions& options, Scoreboard& board, const Bells& bells,
             std::function<void(std::size_t)> work);

  // False where not one worker could be started, which it has said.
  bool start();
  // Keeps the pool until a stop signal; these then have their default action again: a second one ends the
  // master, and with it the workers.
  void supervise();
  // Waits for the end of all workers; kills those that take longer than `time`.
  void finish(Milliseconds time);

  // For workers: an idle one that reads a token from here is to end.
  int retirement() const { return retirement_; }
  // For workers: tells the master that few are idle, unless it knows.
  void ask_for_growth();

 private:
  void resize();
  void retire(std::size_t count);
  bool start_worker();
  [[noreturn]] void become_worker(std::size_t slot, pid_t master);
  void reap();
  void bury(pid_t pid, int status);
  bool stop_requested();
  std::optional<Clock::time_point> next_look() const;

  const PoolOptions options_;
  Scoreboard& board_;
  const Bells& bells_;
  std::function<void(std::size_t)> work_;
  int signals_;     // signalfd: SIGCHLD and the stop signals
  int growth_;      // eventfd: see ask_for_growth()
  int retirement_;  // eventfd, a semaphore
  struct Worker {
    pid_t pid;  // 0: the slot is free
    Clock::time_point started;
  };
  // By slot. Shared memory though only the master uses it: what it writes between two forks in memory of its
  // own costs every worker a page.
  std::span<Worker> workers_;
  std::size_t total_ = 0;
  std::size_t owed_ = 0;  // workers to start for those that were killed, however many are idle; see bury()
  Backoff backoff_;
  bool fork_failed_ = false;
  std::optional<Clock::time_point> next_retirement_;  // while there is a surplus
};

}  // namespace comet::prefork
