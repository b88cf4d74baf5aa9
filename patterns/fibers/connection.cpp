// Model: fibers. Calls that look as if they block: each tries first, and its fiber waits only if it must.
// Owner of a connection: the fiber that makes the call.
// Runs on: that fiber's thread, which runs other fibers meanwhile.
// Wakes a held request: epoll, a deadline or a letter, each through the connection's Sleeper.
#include "patterns/fibers/connection.hpp"

#include <sys/socket.h>

#include <boost/fiber/operations.hpp>
#include <cerrno>
#include <utility>

#include "patterns/fibers/fiber_thread.hpp"

namespace comet::fibers {
using namespace common;
namespace {

bool is_temporary(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

Connection::Connection(FiberThread& host, const Service& service, int accepted)
    : Sleeper(*host.scheduler),
      Participant(host.inbox, *this),
      thread(host),
      reader(service),
      socket(accepted) {
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
  thread.deep_stack.call([&] { decision = reader.feed(bytes); });
  return decision;
}

bool Connection::store_input() {
  for (std::string_view bytes; readable;) {
    if (!receive(bytes) || !reader.store(bytes)) return false;
  }
  return true;
}

bool Connection::wait() {
  if (thread.hibernate && phase != Phase::reading) {
    hibernate();
    return false;
  }
  park();
  return true;
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
    if (!std::exchange(waited, true) && patience > Milliseconds{0}) set_deadline(patience);
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
      boost::this_fiber::yield();  // a client that never stops sending must not keep the thread
    } else {
      return;
    }
  }
}

}  // namespace comet::fibers
