// Model: one thread per connection. The drain: from the signal to the end of the last thread.
// Owner of a connection: its thread, to its end.
// Runs on: the main thread; refuse_hold() on the connection's.
// Wakes a held request: drain(), to refuse it.
#include <unistd.h>

#include "patterns/common/startup.hpp"
#include "patterns/threaded/server.hpp"

namespace comet::threaded {

// Drain: stop accepting, answer every held request with 503, let writes finish, close the rest. The signals'
// default action is back, so that a second one ends the process at once.
void Server::drain() {
  signals_.restore();
  ::close(listener_);
  threads_.stop();
  Waiters held;
  {
    const std::lock_guard lock(channels_mutex_);
    counters_.held_at_drain = counters_.held.load();
    draining_ = true;
    channels_.for_each([&](Channel& channel) { take_waiters(channel, held); });
  }
  while (!held.empty()) take_first(held)->end(Waiter::State::drained);
  watcher_.stop_readers();
  if (threads_.wait_for_all(kDrainTimeout)) return;
  watcher_.cut_all();
  threads_.wait_for_all();
}

void Server::drain_hold(Connection& connection, ReplyForm form) { respond(connection, refuse_hold(form)); }

// Why a request is not held. The connection ends with it in the drain, and where its thread may be the last
// one.
Response Server::refuse_hold(ReplyForm form) {
  if (draining_ || counters_.held >= threads_.limit() - 1) form.keep_alive = false;
  if (draining_) return service_.shutting_down(form);
  return service_.unavailable("too many held requests", form);
}

}  // namespace comet::threaded
