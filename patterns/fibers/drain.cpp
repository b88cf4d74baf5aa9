// Model: fibers. The drain: letters to the room and to each thread, then each thread to its last connection.
// Owner of a connection: its fiber, to its end.
// Runs on: the fiber that called run(), and the acceptor's fiber of each thread.
// Wakes a held request: the room, with a letter that the server is shutting down.
#include <sys/socket.h>
#include <unistd.h>

#include "patterns/common/startup.hpp"
#include "patterns/fibers/server.hpp"

namespace comet::fibers {

// Drain: stop accepting, answer every held request with 503, let writes finish, close the rest. The room
// tells the held requests; each thread waits for its connections to end, and cuts those that do not in time.
void Server::drain() {
  counters_.held_at_drain = counters_.held.load();
  draining_ = true;  // before the signal is taken: work() sees one of the two
  signals_.restore();
  room_.drain();
  for (const auto& thread : threads_) thread->orders.send({.kind = Kind::drain});
  for (std::size_t i = 0; i < threads_.size(); ++i) reports_.receive();
  room_.stop();
  work_pool_.stop();
}

void Server::drain_thread(FiberThread& thread) {
  ::close(thread.listener);
  for (Connection& connection : thread.connections) connection.wake();  // each sees that the server drains
  thread.acceptor.set_deadline(drain_timeout(service_.options));
  while (!thread.connections.empty() && !thread.acceptor.expired()) thread.acceptor.park();
  for (Connection& connection : thread.connections)
    ::shutdown(connection.socket, SHUT_RDWR);  // ends all waits
  while (!thread.connections.empty()) thread.acceptor.park();
  thread.fibers.stop();
  reports_.send({.kind = Kind::drained});
}

}  // namespace comet::fibers
