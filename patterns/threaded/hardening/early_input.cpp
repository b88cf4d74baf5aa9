// Model: one thread per connection. What a client sends while its request is held: its thread puts it aside.
// Owner of a connection: its thread, which alone reads its socket.
// Runs on: that thread.
// Wakes a held request: its condition variable, notified by whoever ends the hold, and by the watcher if
// there is input.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "patterns/common/memory_reserve.hpp"
#include "patterns/threaded/server.hpp"

namespace comet::threaded {
namespace {

constexpr std::size_t kStored = 4096;  // bytes of one read
// Input is noticed in a hold that has lasted this long: watching every hold from the start would wake
// the watcher once per request. It is less than the second within which a hold must end after its
// client has left.
constexpr Milliseconds kUnwatched{500};

}  // namespace

// Blocks until the hold is over or its deadline has come. Input must be read meanwhile: if it filled the
// client's window, the end of the client's sending (FIN) could not come through behind it.
Waiter::State Server::wait_for_end(Connection& connection) {
  const auto until = connection.deadline;
  Waiter& waiter = *connection.waiter;
  Waiter::State ended = waiter.wait(std::min(until, Clock::now() + kUnwatched));
  if (ended != Waiter::State::waiting || Clock::now() >= until) return ended;
  watcher_.watch_input(connection, true);
  while ((ended = waiter.wait(until)) == Waiter::State::waiting && Clock::now() < until) {
    if (work_stacks_.run([&] { return store_input(connection); })) continue;
    connection.form.keep_alive = false;  // bytes are lost, and a message may have ended the hold just now
    waiter.leave();
  }
  watcher_.watch_input(connection, false);
  return ended;
}

// False at the end of the client's sending, and if it has sent more than the contract's bound or than there
// is memory for.
bool Server::store_input(Connection& connection) {
  char input[kStored];
  ssize_t size = 0;
  while ((size = recv(connection.socket, input, sizeof input, MSG_DONTWAIT)) > 0) {
    if (!memory_reserve_is_whole()) return false;
    if (!connection.reader.store({input, static_cast<std::size_t>(size)})) return false;
  }
  return size < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace comet::threaded
