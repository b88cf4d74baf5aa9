// Model: one thread per connection. Accepting while there are descriptors and memory, and the 503 of clients
// for whom there is no thread.
// Owner of a connection: not this file; of a refused client this class, for kLingerTimeout at most.
// Runs on: the main thread.
// Wakes a held request: nothing here.
#include "patterns/threaded/hardening/acceptor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>

#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"

namespace comet::threaded {
namespace {

constexpr std::size_t kMostRefused = 12;  // within the descriptors that connection_limit() leaves

// True while more may come. Reads once: a client that sends without end must not keep the acceptor here.
bool discard_input_once(int socket) {
  char unread[4096];
  const ssize_t size = recv(socket, unread, sizeof unread, MSG_DONTWAIT);
  return size > 0 || (size < 0 && errno == EAGAIN);
}

}  // namespace

Acceptor::Acceptor(const Service& service, const StopSignals& signals)
    : service_(service), signals_(signals), listener_(open_listener(service.options)) {
  // A client may be gone between poll() and accept(): that must not block.
  if (fcntl(listener_, F_SETFL, O_NONBLOCK) != 0) fail("fcntl", errno);
}

Acceptor::~Acceptor() {
  for (const Refused& refused : refused_) ::close(refused.socket);
}

std::optional<int> Acceptor::next() {
  while (wait_for_connection()) {
    if (const auto socket = accept()) return socket;
  }
  return std::nullopt;
}

// False once a signal has come. Nothing here allocates, for this goes on while memory is out.
bool Acceptor::wait_for_connection() {
  std::array<pollfd, 2 + kMostRefused> polled{{{signals_.descriptor(), POLLIN, 0}, {listener_, POLLIN, 0}}};
  while (polled[0].revents == 0 && polled[1].revents == 0) {
    std::transform(refused_.begin(), refused_.end(), polled.begin() + 2, [](const Refused& refused) {
      return pollfd{refused.socket, POLLIN, 0};
    });
    int time_left = -1;  // for ever
    if (!refused_.empty()) {
      const auto left = std::chrono::ceil<Milliseconds>(refused_.front().until - Clock::now());
      time_left = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
    }
    if (poll(polled.data(), 2 + refused_.size(), time_left) < 0 && errno != EINTR) fail("poll", errno);
    read_and_close_refused();
  }
  return polled[0].revents == 0;
}

std::optional<int> Acceptor::accept() {
  const bool has_memory = memory_reserve_is_whole();
  const int socket = has_memory ? accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC) : -1;
  if (socket >= 0) return socket;
  const bool is_out_of_something =
      !has_memory || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
  if (is_out_of_something) {
    pollfd signals{signals_.descriptor(), POLLIN, 0};
    poll(&signals, 1, static_cast<int>(kAcceptPause.count()));
  }
  return std::nullopt;
}

void Acceptor::refuse(int socket, std::string_view why) {
  try {
    const Response response = service_.unavailable(why, {.keep_alive = false});
    const auto size = static_cast<ssize_t>(response.bytes->size());
    if (send(socket, response.bytes->data(), response.bytes->size(), MSG_DONTWAIT) == size &&
        shutdown(socket, SHUT_WR) == 0) {
      refused_.push_back({socket, Clock::now() + kLingerTimeout});
      if (refused_.size() <= kMostRefused) return;
      socket = refused_.front().socket;  // the oldest makes room for the newest
      refused_.pop_front();
    }
  } catch (const std::bad_alloc&) {
  }
  ::close(socket);
}

void Acceptor::read_and_close_refused() {
  const auto now = Clock::now();
  std::erase_if(refused_, [now](const Refused& refused) {
    if (now < refused.until && discard_input_once(refused.socket)) return false;
    ::close(refused.socket);
    return true;
  });
}

void Acceptor::close() { ::close(listener_); }

}  // namespace comet::threaded
