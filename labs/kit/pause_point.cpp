// A connection to the test for each time that a thread comes to a point: the point's name goes there, behind
// "main " if it is the process's first thread, and the thread waits until the test closes the connection.
#include "labs/kit/pause_point.hpp"

#ifdef COMET_LAB_PAUSES
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

namespace kit {
namespace {

// LAB_PAUSE_SOCKET names a socket in Linux's abstract namespace, which needs no file: its path begins with a
// zero byte. False: nobody listens there.
bool connect_to_test(int socket, std::string_view name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t size = name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const std::size_t length = offsetof(sockaddr_un, sun_path) + 1 + size;
  return connect(socket, reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(length)) == 0;
}

}  // namespace

void pause_point(const char* name) {
  const char* const test = std::getenv("LAB_PAUSE_SOCKET");
  if (test == nullptr) return;
  const int socket = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (socket < 0) return;  // no descriptor is free: the test says that nobody came
  const std::string text = (gettid() == getpid() ? "main " : "") + std::string(name);
  if (connect_to_test(socket, test) && ::send(socket, text.data(), text.size(), MSG_NOSIGNAL) > 0) {
    char nothing;
    const ssize_t closed = recv(socket, &nothing, 1, 0);
    (void)closed;  // whatever ends the wait, the thread goes on
  }
  close(socket);
}

}  // namespace kit
#endif
