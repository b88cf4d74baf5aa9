// Model: one thread per connection. The drain: from the signal to the end of the last thread.
// Owner of a connection: its thread, to its end.
// Runs on: the main thread.
// Wakes a held request: drain(), to refuse it.
#include "patterns/common/startup.hpp"
#include "patterns/threaded/server.hpp"

namespace comet::threaded {

// Drain: stop accepting, answer every held request with 503, let writes finish, close the rest. The signals'
// default action is back, so that a second one ends the process at once.
void Server::drain() {
  signals_.restore();
  acceptor_.close();
  threads_.stop();
  Waiters held;
  {
    const std::lock_guard lock(channels_mutex_);
    counters_.held_at_drain = counters_.held.load();
    draining_ = true;
    channels_.for_each([&](Channel& channel) { subtract(counters_.held, held.take_all(channel.waiters)); });
  }
  while (!held.empty()) held.take_first()->end(Waiter::State::drained);
  watcher_.stop_readers();
  if (threads_.wait_for_all(kDrainTimeout)) return;
  watcher_.cut_all();
  threads_.wait_for_all();
}

}  // namespace comet::threaded
