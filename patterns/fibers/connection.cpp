// Model: fibers. Calls that look blocking: try first, and wait where the socket has nothing or takes nothing.
// Owner of a connection: the fiber that makes the call.
// Runs on: that fiber's thread, which runs other fibers meanwhile.
// Wakes a held request: epoll, a deadline or a letter, each through the connection's Sleeper.
#include "patterns/fibers/connection.hpp"

#include <sys/socket.h>

#include <boost/fiber/operations.hpp>
#include <cerrno>
#include <new>
#include <utility>

#include "patterns/fibers/fiber_thread.hpp"

namespace comet::fibers {
namespace {

bool is_temporary(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

Connection::Connection(FiberThread& host, const Service& service)
    : Sleeper(*host.scheduler), Subscriber(host.inbox, *this), thread(host), reader(service) {
  thread.connections.push_back(*this);
}

Connection::~Connection() { thread.connections.erase(thread.connections.iterator_to(*this)); }

bool Connection::receive(std::string_view& bytes) {
  const ssize_t size = ::recv(socket, thread.input, sizeof thread.input, 0);
  if (size == 0 || (size < 0 && !is_temporary(errno))) return false;
  // A short read has emptied the socket: what comes later is a new event.
  if (size != static_cast<ssize_t>(sizeof thread.input)) readable = hung_up || (size < 0 && errno == EINTR);
  bytes = {thread.input, size > 0 ? static_cast<std::size_t>(size) : 0};
  return true;
}

Decision Connection::parse(std::string_view bytes) {
  Decision decision;
  bool no_memory = false;
  thread.deep_stack.call([&] {
    try {
      decision = reader.feed(bytes);
    } catch (const std::bad_alloc&) {  // must not pass the end of that stack
      no_memory = true;
    }
  });
  if (no_memory) throw std::bad_alloc();
  return decision;
}

bool Connection::send_all(std::string_view bytes, Milliseconds patience) {
  for (bool waited = false; !bytes.empty();) {
    const ssize_t size = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(size));
      waited = false;
      continue;
    }
    if (errno == EINTR) continue;
    if (!is_temporary(errno)) return false;
    if (!std::exchange(waited, true)) set_deadline(patience);
    for (writable = false; !writable; park()) {
      if (expired()) return false;
    }
  }
  return true;
}

void Connection::discard_input(Milliseconds patience) {
  set_deadline(patience);
  std::string_view forgotten;
  while (!expired()) {
    if (!readable) {
      park();
    } else if (receive(forgotten)) {
      boost::this_fiber::yield();  // who never stops sending must not keep the thread
    } else {
      return;
    }
  }
}

}  // namespace comet::fibers
