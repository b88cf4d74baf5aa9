// Model: a pool of threads over one Asio loop; a held request is a Continuation. Here: the drain.
// Owner of a connection: as ever, one thread of the pool at a time.
// Runs on: drain() in the strand, what follows on any thread of the pool.
// Wakes a held request: Event::drain, to refuse it.
#include "patterns/common/startup.hpp"
#include "patterns/continuations/server.hpp"

namespace comet::continuations {

// Drain: stop accepting, answer every held request with 503, let writes finish, close the rest. The signals'
// default action is back, so that a second one ends the process at once. In the strand, so that no hold
// begins meanwhile.
void Server::drain() {
  counters_.held_at_drain = counters_.held.load();
  draining_ = true;  // before the signal is taken: publish() sees one of the two
  signal_watch_.release();
  signals_.restore();
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  cut_later();
  // Every open connection has a deadline, or belongs to a thread, which sees draining_ when it has set one.
  deadlines_.end_all(Event::drain);
  stop_if_drained();
}

// Its deadline is gone. An answer that is being written or read by the client gets a new one.
TurnEnd Server::drain_connection(Connection& connection) {
  if (connection.phase == Phase::held) return drain_hold(connection);
  const bool writing = connection.phase == Phase::writing;
  if (cutting_ || (!writing && connection.phase != Phase::lingering)) return close(connection);
  set_deadline(connection, writing ? service_.options.idle_timeout : kLingerTimeout);
  return release(connection);
}

// Without connections nothing is left that keeps the pool in run().
void Server::stop_if_drained() {
  if (!draining_ || counters_.connections > 0) return;
  boost::asio::post(strand_, [this] {
    drain_timer_.cancel();
    deadlines_.stop();
  });
}

}  // namespace comet::continuations
