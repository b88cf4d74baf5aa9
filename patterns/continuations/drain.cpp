// Model: a pool of threads over one Asio loop; a held request is a Continuation. Here: the drain.
// Owner of a connection: as ever, one thread of the pool at a time.
// Runs on: drain() in the strand, what follows on any thread of the pool.
// Wakes a held request: Event::drain, to refuse it.
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>

#include "patterns/common/startup.hpp"
#include "patterns/continuations/server.hpp"

namespace comet::continuations {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace

// Drain: stop accepting, answer every held request with 503, let writes finish, close the rest. The signals'
// default action is back, so that a second one ends the process at once. In the strand.
void Server::drain() {
  counters_.held_at_drain = counters_.held.load();
  draining_ = true;  // before the signal is taken: publish() sees one of the two
  signal_watch_.release();
  signals_.restore();
  error_code ignored;
  acceptor_.close(ignored);
  accept_timer_.cancel();
  drain_timer_.expires_after(drain_timeout(service_.options));
  drain_timer_.async_wait(asio::bind_executor(strand_, [this](const error_code& cancelled) {
    if (cancelled) return;
    cutting_ = true;
    deadlines_.end_all(Event::drain);
  }));
  // Every open connection has a deadline, or is in the hands of a thread, which sees draining_ or cutting_.
  deadlines_.end_all(Event::drain);
  stop_if_drained();
}

void Server::drain_connection(Connection& connection) {
  using Phase = Connection::Phase;
  if (connection.phase == Phase::held)
    return connection.continuation.refuse() ? end_hold(connection) : release(connection);
  if (cutting_ || connection.phase == Phase::idle || connection.phase == Phase::reading)
    return close(connection);
  set_deadline(connection,
               connection.phase == Phase::writing ? service_.options.idle_timeout : kLingerTimeout);
  release(connection);
}

// Without connections nothing is left that keeps the pool in run().
void Server::stop_if_drained() {
  if (!draining_ || counters_.connections > 0) return;
  asio::post(strand_, [this] {
    drain_timer_.cancel();
    deadlines_.stop();
  });
}

}  // namespace comet::continuations
