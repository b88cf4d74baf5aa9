// Model: prefork. What the master does about workers that crash or cannot be started.
// Owner of a connection: a worker. With the worker its connection is lost, and no other.
// Runs on: the master.
// Wakes a held request: all of them, after a crash: the worker may have published and not woken anybody.
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "patterns/prefork/worker_pool.hpp"

namespace comet::prefork {

// Three things may be lost with a worker. It may have published and not woken the channel: so all workers are
// woken. It may have been woken for a connection, as the only one, and not have accepted it: so one more
// worker is started, however many are idle, because a new one finds the connection in the kernel's queue. And
// it may have set `growth_asked` without writing the event: so the resize() that follows looks by itself. A
// worker that crashed while it was starting may do so every time: so the pool makes a pause.
void WorkerPool::make_up_for(pid_t crashed, int status) {
  if (board_.state(slot_of(crashed)) == WorkerState::starting) {
    backoff_.fail(Clock::now());
  } else {
    backoff_.succeed();
  }
  events_.notify_all();
  ++owed_;
  if (board_.shared().draining) return;
  if (WIFSIGNALED(status)) {
    std::fprintf(stderr, "comet-prefork: worker %d was ended by signal %d (%s)\n", crashed, WTERMSIG(status),
                 sigdescr_np(WTERMSIG(status)));
  } else {
    std::fprintf(stderr, "comet-prefork: worker %d ended with status %d\n", crashed, WEXITSTATUS(status));
  }
}

// The system allows no more processes. That is said once, until it allows them again.
void WorkerPool::note_failed_fork(std::size_t slot) {
  if (!std::exchange(fork_failed_, true)) {
    std::fprintf(stderr,
                 "comet-prefork: cannot start more than %zu workers: %s; raise the limit of processes\n",
                 total_, std::strerror(errno));
  }
  board_.clear(slot);
  backoff_.fail(Clock::now());
}

// If no worker can be started and none is free, a publisher would wait for the end of a hold. So one held
// request gives up its worker: all are woken, and one takes it (Scoreboard::take_shedding()).
void WorkerPool::shed_if_none_is_free(bool can_start) {
  if (can_start || board_.some_are_free()) return;
  board_.shared().shed = true;
  events_.notify_all();
}

}  // namespace comet::prefork
