// Model: prefork. The drain: from the signal to the end of the last worker.
// Owner of a connection: its worker, to its end.
// Runs on: the master; drain_hold() on a worker.
// Wakes a held request: an eventfd that all workers watch.
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>

#include "patterns/common/startup.hpp"
#include "patterns/prefork/server.hpp"

namespace comet::prefork {

// Drain: stop accepting, have every worker answer its held request with 503, let writes finish, close the
// rest. Shutting the listening socket down ends it for all processes, which each have it open. The signals
// have their default action again, so a second one ends the master at once, and with it the workers.
void Server::drain() {
  signals_.restore();
  board_.counters().held_at_drain = board_.held();
  board_.shared().draining = true;
  if (shutdown(listener_, SHUT_RDWR) != 0) fail("shutting the listening socket down", errno);
  if (eventfd_write(drain_event_, 1) != 0) fail("writing an eventfd", errno);
  pool_.finish(kDrainTimeout);
}

void Server::drain_hold(Connection& connection) {
  end_hold(connection);
  if (const auto message = look(connection)) return deliver(connection, *message);
  respond(connection, service_.shutting_down(connection.form));
}

}  // namespace comet::prefork
