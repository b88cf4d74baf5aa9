// Model: fibers. Takes connections as long as there is memory and the kernel can give them.
// Owner of a connection: this fiber, until accept_connection() finds another for it.
// Runs on: the acceptor's fiber of each thread.
// Wakes a held request: nothing here.
#include <sys/socket.h>

#include <boost/fiber/operations.hpp>
#include <cerrno>
#include <memory>
#include <new>
#include <utility>

#include "patterns/common/startup.hpp"
#include "patterns/fibers/server.hpp"

namespace comet::fibers {

// Where memory or descriptors are out, new connections wait in the kernel's queue.
void Server::accept_connections(FiberThread& thread) {
  std::unique_ptr<Connection> next;
  while (thread.orders.empty()) {  // the only order is to drain
    const bool has_memory = prepare_connection(thread, next);
    const int socket =
        has_memory ? accept4(thread.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC) : -1;
    if (socket >= 0) {
      next->socket = socket;
      accept_connection(thread, std::move(next));
      boost::this_fiber::yield();
    } else if (has_memory && errno == EAGAIN) {
      thread.acceptor.park();
    } else if (!has_memory || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      thread.acceptor.set_deadline(kAcceptPause);
      boost::this_fiber::yield();  // others run also where memory lacks for the deadline
      while (!thread.acceptor.expired() && thread.orders.empty()) thread.acceptor.park();
    }  // else it was gone before it was accepted
  }
  next.reset();
  drain(thread);
}

bool Server::prepare_connection(FiberThread& thread, std::unique_ptr<Connection>& connection) {
  try {
    if (!connection) connection = std::make_unique<Connection>(thread, service_);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace comet::fibers
