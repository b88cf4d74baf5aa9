// The subscribers' loop: see subscribers.hpp.
#include "loadgen/subscribers.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "loadgen/clock.hpp"
#include "loadgen/errors.hpp"

namespace comet {
namespace {

constexpr std::size_t kMessageSize = 64;
// One source address has about 28,000 ports to one server (net.ipv4.ip_local_port_range).
constexpr std::uint32_t kConnectionsPerAddress = 25'000;
constexpr char kBodyFormat[] = "comet-loadgen message %010u ";

// "connect_ECONNREFUSED": the call and the name of its error.
std::string errno_kind(const char* call, int error = errno) {
  const char* name = strerrorname_np(error);
  return std::string(call) + "_" + (name == nullptr ? std::to_string(error) : name);
}

// 127.0.0.1 needs no bind; further blocks of connections come from 127.0.1.1, 127.0.1.2, ...
bool bind_source(int socket, std::uint32_t index) {
  const std::uint32_t block = index / kConnectionsPerAddress;
  if (block == 0) return true;
  const int on = 1;  // the port is chosen at connect(), where it need only be free for this server
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(0x7f000100u + block);
  return setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
         bind(socket, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
}

}  // namespace

std::string Subscribers::message_body(std::uint32_t round) {
  std::array<char, kMessageSize + 1> text;
  std::snprintf(text.data(), text.size(), kBodyFormat, round);
  std::string body(text.data());
  while (body.size() < kMessageSize) body += static_cast<char>('a' + body.size() % 26);
  return body;
}

Subscribers::Subscribers(Endpoint endpoint, const std::string& channel, std::size_t count)
    : endpoint_(std::move(endpoint)),
      request_(get_request(endpoint_, "/subscribe?channel=" + channel)),
      connections_(count),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::runtime_error(system_error_text("epoll_create1"));
}

Subscribers::~Subscribers() {
  for (std::uint32_t index = 0; index < opened_; ++index) disconnect(index);
  close(epoll_);
}

void Subscribers::open(std::size_t count) {
  for (; count > 0 && opened_ < connections_.size(); --count) connect(static_cast<std::uint32_t>(opened_++));
}

void Subscribers::connect(std::uint32_t index) {
  Connection& connection = connections_[index];
  connection.answered = false;
  connection.socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection.socket < 0) return fail(index, errno_kind("socket"));
  const int on = 1;
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(endpoint_.port);
  inet_pton(AF_INET, endpoint_.address.c_str(), &name.sin_addr);
  if (setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      !bind_source(connection.socket, index))
    return fail(index, errno_kind("bind"));
  if (::connect(connection.socket, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 &&
      errno != EINPROGRESS)
    return fail(index, errno_kind("connect"));
  connection.state = State::kConnecting;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.u32 = index;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event) != 0) fail(index, errno_kind("epoll_ctl"));
}

void Subscribers::on_connected(std::uint32_t index) {
  Connection& connection = connections_[index];
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(connection.socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return fail(index, errno_kind("connect", error));
  epoll_event event{};
  event.events =
      EPOLLIN | EPOLLRDHUP | EPOLLET;  // edge: the kernel need not look again at what a read has emptied
  event.data.u32 = index;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket, &event) != 0)
    return fail(index, errno_kind("epoll_ctl"));
  connection.state = State::kWaiting;
  ++waiting_;
  request(index);
}

// A request is far smaller than an empty send buffer: one that does not fit in whole is a broken connection.
void Subscribers::request(std::uint32_t index) {
  const ssize_t sent = send(connections_[index].socket, request_.data(), request_.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request_.size()))
    on_closed(index, sent < 0 ? errno_kind("send") : "send_short");
}

void Subscribers::begin_round(std::uint32_t round, std::int64_t intended_ns,
                              std::vector<std::int64_t>& latencies) {
  round_ = round;
  intended_ns_ = intended_ns;
  latencies_ = &latencies;
  latencies.reserve(latencies.size() + connections_.size());
  body_ = message_body(round);
  expected_bytes_.clear();
  counts_ = {};
}

int Subscribers::poll(int timeout_ms) {
  const int count = epoll_wait(epoll_, ready_.data(), static_cast<int>(ready_.size()), timeout_ms);
  for (int i = 0; i < count; ++i) {
    const auto [events, data] = ready_[static_cast<std::size_t>(i)];
    const std::uint32_t index = data.u32;
    const State state = connections_[index].state;
    if (state == State::kWaiting) on_readable(index, (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
    if (state == State::kConnecting) on_connected(index);
  }
  return count > 0 ? count : 0;
}

// One edge may stand for bytes and for the server's close after them: only then is it read until the end.
void Subscribers::on_readable(std::uint32_t index, bool ended) {
  while (connections_[index].state == State::kWaiting && read_once(index, ended)) continue;
}

// False when there is no more to read for now: unless the connection has ended, a read that does not fill the
// buffer says so.
bool Subscribers::read_once(std::uint32_t index, bool ended) {
  static std::array<char, 64 * 1024> buffer;
  Connection& connection = connections_[index];
  const ssize_t size = recv(connection.socket, buffer.data(), buffer.size(), 0);
  if (size <= 0) {
    if (size < 0 && errno == EINTR) return true;
    if (size == 0 || errno != EAGAIN) on_closed(index, size == 0 ? "closed" : errno_kind("recv"));
    return false;
  }
  const auto length = static_cast<std::size_t>(size);
  // Byte for byte a response that was already parsed and checked, and nothing partial before it.
  if (length == expected_bytes_.size() && connection.last_round < round_ && partial_.empty() &&
      std::memcmp(buffer.data(), expected_bytes_.data(), length) == 0) {
    count_delivery(connection);
    request(index);
  } else {
    on_bytes(index, {buffer.data(), length});
  }
  return ended || length == buffer.size();
}

void Subscribers::on_bytes(std::uint32_t index, std::string_view bytes) {
  std::string pending;
  if (const auto start = partial_.find(index); start != partial_.end()) {
    pending = std::move(start->second);
    partial_.erase(start);
  }
  pending.append(bytes);
  bool answered = false;
  while (!pending.empty()) {
    Response response;
    std::size_t consumed = 0;
    const ParseStatus status = parse_response(pending, response, consumed);
    if (status == ParseStatus::kMalformed) return fail(index, "malformed");
    if (status == ParseStatus::kIncomplete) {
      partial_[index] = std::move(pending);
      break;
    }
    if (response.status == 200 && response.body == body_ && response.keep_alive)
      expected_bytes_ = pending.substr(0, consumed);
    pending.erase(0, consumed);
    if (!on_response(index, response)) return;
    answered = true;
  }
  if (answered) request(index);  // once, also after two responses to one request
}

bool Subscribers::on_response(std::uint32_t index, const Response& response) {
  const std::string kind = "status_" + std::to_string(response.status);
  connections_[index].answered = true;
  if (response.status == 200) {
    on_message(connections_[index], response);
  } else if (response.status == 204) {
    ++events_[kind];  // the hold time is over: ask again
  } else {
    fail(index, kind);
    return false;
  }
  if (response.keep_alive) return true;
  ++events_["reconnects"];
  disconnect(index);
  connect(index);
  return false;
}

void Subscribers::on_message(Connection& connection, const Response& response) {
  unsigned round = 0;
  if (std::sscanf(response.body.c_str(), kBodyFormat, &round) != 1 || round == 0 || round > round_ ||
      response.body != message_body(round)) {
    ++counts_.wrong;
  } else if (round <= connection.last_round) {
    ++counts_.duplicate;
  } else if (round < round_) {
    connection.last_round = round;
    ++events_["late"];  // counted as lost in its own round
  } else {
    count_delivery(connection);
  }
}

void Subscribers::count_delivery(Connection& connection) {
  const std::int64_t now = now_ns();
  if (counts_.delivered == 0) counts_.first_ns = now;
  counts_.last_ns = now;
  ++counts_.delivered;
  connection.last_round = round_;
  connection.answered = true;
  latencies_->push_back(now - intended_ns_);
}

void Subscribers::disconnect(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.socket < 0) return;
  if (connection.state == State::kWaiting) --waiting_;
  const linger reset{1, 0};
  setsockopt(connection.socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(connection.socket);
  connection.socket = -1;
  connection.state = State::kClosed;
  partial_.erase(index);
}

void Subscribers::fail(std::uint32_t index, const std::string& kind) {
  ++events_[kind];
  ++failed_;
  disconnect(index);
  connections_[index].state = State::kFailed;
}

// A server may close a connection that it has answered: connect again. One that closes unanswered is not
// asked again.
void Subscribers::on_closed(std::uint32_t index, const std::string& kind) {
  if (!connections_[index].answered) return fail(index, kind);
  ++events_[kind];
  disconnect(index);
  connect(index);
}

}  // namespace comet
