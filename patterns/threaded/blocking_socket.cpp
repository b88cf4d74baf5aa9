// Model: one thread per connection. Calls on a socket that block, each until a moment at the latest.
// Owner of a connection: the calling thread.
// Runs on: the calling thread.
// Wakes a held request: nothing here.
#include "patterns/threaded/blocking_socket.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace comet::threaded {
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

bool set_receive_time(int socket, Milliseconds time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const std::chrono::microseconds rest = time - seconds;
  const timeval limit{seconds.count(), rest.count()};
  return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0;
}

bool wait_for_input(int socket, Clock::time_point until) { return wait_for(socket, POLLIN, until); }

// send() is not left to block: with SO_SNDTIMEO it would return a part when its time is over, and a client
// that reads nothing would get the same time again for the rest.
bool send_all(int socket, std::string_view bytes, Milliseconds patience) {
  while (!bytes.empty()) {
    const ssize_t size = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN ? !wait_for(socket, POLLOUT, Clock::now() + patience) : errno != EINTR) {
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
