// Model: prefork. The pool of workers: the master forks them, replaces those that end, and follows the load.
// Owner of a connection: the worker that accepted it; the master never touches one.
// Runs on: the master, the one thread of the process that was started.
// Wakes a held request: nothing here. The master itself is woken by a signal to stop, by the end of a worker,
// by a worker that finds few others idle, and once a second while there are more workers than the least.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "core/deadlines.hpp"
#include "core/options.hpp"
#include "patterns/common/stop_signals.hpp"
#include "patterns/prefork/channel_events.hpp"
#include "patterns/prefork/hardening/backoff.hpp"
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
// How many workers to start or to retire. Up to `least` workers and `least_idle` idle ones are started at
// once. Of those over `most_idle` a sixteenth is retired at a time, so a large surplus is gone in a
// minute or two.
PoolChange pool_change(const PoolState& state);

class WorkerPool {
 public:
  // `work` is what a worker does in its slot; when it returns, the worker ends.
  WorkerPool(const PoolOptions& options, Scoreboard& board, const ChannelEvents& events,
             std::function<void(std::size_t)> work);

  // False if not one worker could be started; why stands on standard error.
  bool start();
  // Keeps the pool until a signal to stop has come. Workers ignore those signals: they are blocked in
  // all processes.
  void supervise(const StopSignals& signals);
  // Waits for the end of all workers; kills those that take longer than `time`.
  void finish(Milliseconds time);

  // For workers: an event that can be read while the pool has too many. The one that takes it is to end.
  int retirement() const { return retirement_; }
  bool take_retirement() const;
  // For workers: tells the master that few are idle, unless it knows.
  void ask_for_growth();

 private:
  std::optional<Clock::time_point> next_look() const;
  void resize();
  bool start_worker();
  [[noreturn]] void become_worker(std::size_t slot, pid_t master);
  void retire(std::size_t count);
  void bury_the_dead();
  std::size_t slot_of(pid_t worker) const;  // 0: a free one

  // hardening/crashed_workers.cpp
  void make_up_for(pid_t crashed, int status);
  void note_failed_fork(std::size_t slot);
  void shed_if_none_is_free(bool can_start);

  const PoolOptions options_;
  Scoreboard& board_;
  const ChannelEvents& events_;
  std::function<void(std::size_t)> work_;
  int child_ended_;  // signalfd: SIGCHLD
  int growth_;       // eventfd: see ask_for_growth()
  int retirement_;   // eventfd, a semaphore
  // Process ids by slot; 0: the slot is free. In shared memory, though only the master uses it: it writes
  // here between two forks, and in memory of its own that would leave every worker forked before with a
  // private copy of the page.
  std::span<pid_t> workers_;
  std::size_t total_ = 0;
  std::optional<Clock::time_point> next_retirement_;  // while there is a surplus

  std::size_t owed_ = 0;  // workers to start for those that crashed, however many are idle; see make_up_for()
  Backoff backoff_;
  bool fork_failed_ = false;
};

}  // namespace comet::prefork
