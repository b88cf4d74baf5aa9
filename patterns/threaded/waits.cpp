// Model: one thread per connection. The wait of a held request: for its end, and for input that it must put
// aside.
// Owner of a connection: its thread, which alone reads its socket.
// Runs on: that thread.
// Wakes a held request: its condition variable, notified by whoever ends the hold, and by the watcher for
// input.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "patterns/common/memory_reserve.hpp"
#include "patterns/threaded/server.hpp"

namespace comet::threaded {
namespace {

constexpr std::size_t kStored = 16384;  // bytes of each read, on a work stack
// A hold that lasts longer reads its client's input, for which its thread has to be woken. It is below the
// second within which a client's leaving is to be seen.
constexpr Milliseconds kDeafHold{500};

}  // namespace

// Input that waits in the kernel may fill the client's window and so keep back its FIN.
Waiter::State Server::wait(Connection& connection, Clock::time_point until, ReplyForm& form) {
  Waiter& waiter = *connection.waiter;
  Waiter::State ended = waiter.wait(std::min(until, Clock::now() + kDeafHold));
  if (ended != Waiter::State::waiting || Clock::now() >= until) return ended;
  watcher_.watch_input(connection, true);
  while ((ended = waiter.wait(until)) == Waiter::State::waiting && Clock::now() < until) {
    if (store_input(connection)) continue;
    form.keep_alive = false;  // a message may have ended the hold just now, and bytes are lost
    waiter.leave();
  }
  watcher_.watch_input(connection, false);
  return ended;
}

// False at the end of the client, and where it has sent more than may wait or than there is memory for.
bool Server::store_input(Connection& connection) {
  bool open = true;
  work_stacks_.run([&] {
    char input[kStored];
    ssize_t size = 0;
    while (open && (size = recv(connection.socket, input, sizeof input, MSG_DONTWAIT)) > 0) {
      open = memory_reserve_is_whole() && connection.reader.store({input, static_cast<std::size_t>(size)});
    }
    open = open && size < 0 && (errno == EAGAIN || errno == EINTR);
  });
  return open;
}

}  // namespace comet::threaded
