// Model: prefork. What a worker does when the system is out of memory or descriptors.
// Owner of a connection: its worker.
// Runs on: that worker. The others have memory of their own.
// Wakes a held request: nothing here.
#include <poll.h>

#include <cerrno>

#include "patterns/common/startup.hpp"
#include "patterns/prefork/server.hpp"

namespace comet::prefork {

// `new` has failed in the middle of a request, before a byte of its answer was sent. If the message of a
// publish is in the log already, no answer is better than one that says it is not.
void Server::answer_without_memory(Connection& connection) {
  if (connection.phase == Phase::writing) return close(connection);
  end_hold(connection);
  connection.form.keep_alive = false;
  respond(connection, service_.unavailable("no memory for this message", connection.form));
}

// accept4() has failed. If there are no descriptors or memory for the connection, it waits in the
// kernel's queue, and this worker tries again a little later. Otherwise the client has left, or another
// worker was faster.
void Server::pause_if_out_of_descriptors(int error) {
  if (error == EAGAIN || error == EINTR || error == ECONNABORTED) return;
  poll(nullptr, 0, static_cast<int>(kAcceptPause.count()));
}

}  // namespace comet::prefork
