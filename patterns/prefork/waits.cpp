// Model: prefork. The epolls, and the members of Server that block: on bytes, the bell, room in the socket.
// Owner of a connection: the worker that accepted it.
// Runs on: that worker.
// Wakes a held request: its worker's epoll, when the bell of the channel rings or the client leaves.
#include "patterns/prefork/waits.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "patterns/common/startup.hpp"
#include "patterns/prefork/server.hpp"

namespace comet::prefork {

int wait_time(Clock::time_point until) {
  const auto left = std::chrono::ceil<Milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

void add_to(int epoll, int descriptor, std::uint32_t events, Source source) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = source;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl", errno);
}

int open_epoll(int drain_event) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) fail("epoll_create1", errno);
  add_to(epoll, drain_event, EPOLLIN, kDrain);
  return epoll;
}

// While a request is held: its bytes are put aside, so that the end of the client behind them is seen.
void Server::store_input(Connection& connection) {
  for (ssize_t size; !connection.ended && (size = receive(connection)) >= 0;) {
    const std::string_view bytes(input_, static_cast<std::size_t>(size));
    connection.ended = connection.ended || size == 0 || !connection.reader.store(bytes);
  }
}

// Bytes now in input_, 0 at the end of the client, -1 where none are there.
ssize_t Server::receive(Connection& connection) {
  if (!connection.input) return -1;
  const ssize_t size = recv(connection.socket, input_, sizeof input_, 0);
  connection.input = connection.ended || size == sizeof input_ || (size < 0 && errno == EINTR);
  if (size < 0 && errno != EAGAIN && errno != EINTR) return 0;
  return size;
}

// Until bytes or the end of the client, or a bell. False once the time is over or the master drains.
bool Server::wait(Connection& connection, Clock::time_point until) {
  if (!std::exchange(connection.watched, true)) {
    add_to(epoll_, connection.socket, EPOLLIN | EPOLLRDHUP | EPOLLET, kClient);
  }
  epoll_event events[3];
  const int count = epoll_wait(epoll_, events, 3, wait_time(until));
  if (count < 0 && errno != EINTR) fail("epoll_wait", errno);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.u32 != kClient) continue;
    connection.input = true;
    if ((events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection.ended = true;
  }
  return !board_.shared().draining && Clock::now() < until;
}

// One bell at a time: that of the channel held last.
void Server::hear(int bell) {
  if (bell == bell_) return;
  if (bell_ >= 0 && epoll_ctl(epoll_, EPOLL_CTL_DEL, bell_, nullptr) != 0) fail("epoll_ctl", errno);
  if (bell >= 0) add_to(epoll_, bell, EPOLLIN | EPOLLET, kBell);
  bell_ = bell;
}

bool Server::wait_for_room(const Connection& connection, Clock::time_point until) {
  board_.available.remove(slot_);
  if (board_.crowded(slot_)) until = std::min(until, Clock::now() + kCrowdedWait);
  const bool has_room = wait_for(connection, POLLOUT, until);
  board_.available.add(slot_);
  return has_room;
}

bool Server::wait_for(const Connection& connection, short events, Clock::time_point until) const {
  pollfd client{connection.socket, events, 0};
  return poll(&client, 1, wait_time(until)) != 0 && Clock::now() < until;
}

}  // namespace comet::prefork
