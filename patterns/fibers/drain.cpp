// Model: fibers. The drain of one thread: from the order to drain to its last connection.
// Owner of a connection: its fiber, to its end.
// Runs on: the acceptor's fiber of each thread.
// Wakes a held request: the room, with a letter that refuses it.
#include <sys/socket.h>
#include <unistd.h>

#include <boost/fiber/operations.hpp>

#include "patterns/common/startup.hpp"
#include "patterns/fibers/server.hpp"

namespace comet::fibers {

// Drain: stop accepting, answer every held request with 503 (the room tells them), let writes finish, close
// the rest.
void Server::drain(FiberThread& thread) {
  ::close(thread.listener);
  for (Connection& connection : thread.connections) {
    if (connection.phase == Phase::idle || connection.phase == Phase::reading) connection.wake();
  }
  const Milliseconds time = drain_timeout(service_.options);
  thread.acceptor.set_deadline(time);
  // Without memory for a deadline it is over at once; the connections have their time all the same.
  for (const auto end = Clock::now() + time; !thread.connections.empty() && Clock::now() < end;) {
    thread.acceptor.expired() ? boost::this_fiber::yield() : thread.acceptor.park();
  }
  for (Connection& connection : thread.connections)
    ::shutdown(connection.socket, SHUT_RDWR);  // ends all waits
  while (!thread.connections.empty()) thread.acceptor.park();
  thread.fibers.stop();
  reports_.send_patiently({.kind = Letter::Kind::drained});
}

}  // namespace comet::fibers
