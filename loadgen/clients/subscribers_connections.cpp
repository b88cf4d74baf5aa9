// How the subscribers open and close connections. See subscribers.hpp.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "loadgen/clients/client_socket.hpp"
#include "loadgen/clients/subscribers.hpp"
#include "loadgen/errors.hpp"

namespace comet::loadgen {

Subscribers::~Subscribers() {
  for (std::uint32_t index = 0; index < opened_; ++index) disconnect(index);
  close(epoll_);
}

void Subscribers::open(std::int64_t count) {
  for (; count > 0 && opened_ < settings_.count; --count) connect(static_cast<std::uint32_t>(opened_++));
}

void Subscribers::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = kWatchedDescriptor;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0)
    throw std::runtime_error(system_error_text("epoll_ctl"));
}

void Subscribers::connect(std::uint32_t index) {
  Connection& connection = connections_[index];
  connection.answered = false;
  connection.repeated = false;
  connection.may_ask = false;
  std::string problem;
  connection.socket =
      start_connecting(settings_.endpoint, settings_.first + index * settings_.stride, problem);
  if (!problem.empty()) return fail(index, problem);
  connection.state = State::kConnecting;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.u32 = index;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event) != 0)
    fail(index, errno_kind("epoll_ctl", errno));
}

void Subscribers::on_connected(std::uint32_t index) {
  Connection& connection = connections_[index];
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(connection.socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return fail(index, errno_kind("connect", error));
  epoll_event event{};
  // Edge-triggered: the kernel need not look again at a socket that a read has emptied.
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
  event.data.u32 = index;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket, &event) != 0)
    return fail(index, errno_kind("epoll_ctl", errno));
  connection.state = State::kWaiting;
  ++waiting_;
  request(index);
}

// A request is far smaller than an empty send buffer. If it does not fit, the connection is broken.
void Subscribers::request(std::uint32_t index) {
  const std::string& bytes = next_request(index);
  const ssize_t sent = send(connections_[index].socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(bytes.size()))
    on_closed(index, sent < 0 ? errno_kind("send", errno) : "send_short");
}

void Subscribers::ask(std::uint32_t index) {
  const Connection& connection = connections_[index];
  if (connection.may_ask) return;
  if (connection.state == State::kClosed)
    connect(index);
  else if (connection.state == State::kWaiting)
    request(index);
}

void Subscribers::ask_again() {
  told_ = schedule_.published;
  for (const std::uint32_t index : answered_)
    if (std::exchange(connections_[index].may_ask, false)) ask(index);
  answered_.clear();
}

void Subscribers::disconnect(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.socket < 0) return;
  if (connection.state == State::kWaiting) {
    --waiting_;
    if (settings_.rounds && round_ == schedule_.published && connection.last < round_) --outstanding_;
  }
  reset_and_close(connection.socket);
  connection.socket = -1;
  connection.state = State::kClosed;
  partial_.erase(index);
}

void Subscribers::reconnect(std::uint32_t index) {
  ++events_["reconnects"];
  disconnect(index);
  connect(index);
}

void Subscribers::fail(std::uint32_t index, const std::string& kind) {
  ++events_[kind];
  ++failed_;
  disconnect(index);
  connections_[index].state = State::kFailed;
}

// A server may close a connection after an answer: then it is opened again. If the server closes without an
// answer, it is not.
void Subscribers::on_closed(std::uint32_t index, const std::string& kind) {
  if (!connections_[index].answered) return fail(index, kind);
  ++events_[kind];
  disconnect(index);
  ask(index);
}

}  // namespace comet::loadgen
