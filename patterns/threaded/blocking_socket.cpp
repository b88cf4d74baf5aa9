// Model: one thread per connection. Blocking calls on a socket, each with an end to its time.
// Owner of a connection: the calling thread.
// Runs on: the calling thread.
// Wakes a held request: nothing here.
#include "patterns/threaded/blocking_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "patterns/common/startup.hpp"

namespace comet::threaded {
using namespace common;

namespace {

bool wait_for(int socket, short events, Clock::time_point until) {
  pollfd polled{socket, events, 0};
  int ready = 0;
  do {
    const auto left = std::chrono::ceil<Milliseconds>(until - Clock::now());
    if (left.count() <= 0) return false;
    ready = poll(&polled, 1, static_cast<int>(left.count()));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace

bool prepare_socket(int socket, Milliseconds idle) {
  const timeval time{idle.count() / 1000, idle.count() % 1000 * 1000};
  return set_no_delay(socket) && setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0;
}

bool wait_for_input(int socket, Clock::time_point until) { return wait_for(socket, POLLIN, until); }

// A send() that blocks would give back a part when its time is over, and the client that does not read would have
// that time again for the rest.
bool send_all(int socket, std::string_view bytes, Milliseconds idle) {
  while (!bytes.empty()) {
    const ssize_t size = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN ? !wait_for(socket, POLLOUT, Clock::now() + idle) : errno != EINTR) {
      return false;
    }
  }
  return true;
}

void discard_input(int socket, Clock::time_point until) {
  char unread[4096];
  while (wait_for_input(socket, until)) {
    const ssize_t size = recv(socket, unread, sizeof unread, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return;
  }
}

}  // namespace comet::threaded
