// Model: one thread per connection. Reading and parsing on the shared stacks, so that a thread that blocks
// later has not touched a second page of its own.
// Owner of a connection: its thread.
// Runs on: that thread.
// Wakes a held request: nothing here.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "patterns/common/memory_reserve.hpp"
#include "patterns/threaded/server.hpp"

namespace comet::threaded {
namespace {

constexpr std::size_t kFirstInput = 256;  // bytes: a poll fits, and the thread's one page of stack has room
constexpr std::size_t kInput = 4096;      // of every other read

}  // namespace

Decision Server::next_in_buffer(Connection& connection) {
  return work_stacks_.run([&] { return connection.reader.next(); });
}

// The first bytes since the last answer: most often a whole request. One call waits for them and reads them,
// which costs less than poll() and then recv(). Its time is the idle time, by SO_RCVTIMEO. The kernel gives
// each call that time anew, so after bytes that complete no request poll() waits for the rest of it.
Decision Server::receive_first(Connection& connection) {
  char input[kFirstInput];
  ssize_t size = 0;
  do {
    size = recv(connection.socket, input, sizeof input, 0);
  } while (size < 0 && errno == EINTR);
  connection.reading = false;
  connection.is_silent = false;
  const std::string_view bytes(input, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size > 0) return work_stacks_.run([&] { return feed(connection, bytes); });
  connection.phase = Phase::closed;
  return NeedsInput{};
}

// What has come by now.
Decision Server::receive(Connection& connection) {
  return work_stacks_.run([&]() -> Decision {
    char input[kInput];
    const ssize_t size = recv(connection.socket, input, sizeof input, MSG_DONTWAIT);
    if (size > 0) return feed(connection, {input, static_cast<std::size_t>(size)});
    if (size == 0 || (errno != EAGAIN && errno != EINTR)) connection.phase = Phase::closed;
    return NeedsInput{};
  });
}

Decision Server::feed(Connection& connection, std::string_view bytes) {
  if (!memory_reserve_is_whole()) return Reply{connection.reader.refuse_without_memory(bytes)};
  return connection.reader.feed(bytes);
}

Response Server::no_content(const Connection& connection) {
  return work_stacks_.run([&] { return no_content_response(connection.last, connection.form); });
}

}  // namespace comet::threaded
