// Model: one thread per connection. Clients for whom there is no thread: the acceptor answers them itself.
// Owner of a connection: this list, for kLingerTimeout at most.
// Runs on: the main thread, between two accepts.
// Wakes a held request: nothing here.
#include "patterns/threaded/refusals.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "patterns/common/startup.hpp"

namespace comet::threaded {
using namespace common;
namespace {

// True while more may come. Reads once: a client that sends without end must not keep the acceptor here.
bool discard_input(int socket) {
  char unread[4096];
  const ssize_t size = recv(socket, unread, sizeof unread, MSG_DONTWAIT);
  return size > 0 || (size < 0 && errno == EAGAIN);
}

}  // namespace

Refusals::~Refusals() {
  for (const Refused& refused : refused_) ::close(refused.socket);
}

void Refusals::answer(int socket, const Response& response) {
  const auto size = static_cast<ssize_t>(response.bytes->size());
  if (send(socket, response.bytes->data(), response.bytes->size(), MSG_DONTWAIT) != size ||
      shutdown(socket, SHUT_WR) != 0) {
    ::close(socket);
    return;
  }
  refused_.push_back({socket, Clock::now() + kLingerTimeout});
  if (refused_.size() <= kMost) return;
  ::close(refused_.front().socket);
  refused_.pop_front();
}

nfds_t Refusals::write_to(std::span<pollfd, kMost> polled) const {
  std::transform(refused_.begin(), refused_.end(), polled.begin(), [](const Refused& refused) {
    return pollfd{refused.socket, POLLIN, 0};
  });
  return refused_.size();
}

int Refusals::time_left() const {
  if (refused_.empty()) return -1;
  const auto left = std::chrono::ceil<Milliseconds>(refused_.front().until - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

void Refusals::read_and_close() {
  const auto now = Clock::now();
  std::erase_if(refused_, [now](const Refused& refused) {
    if (now < refused.until && discard_input(refused.socket)) return false;
    ::close(refused.socket);
    return true;
  });
}

}  // namespace comet::threaded
