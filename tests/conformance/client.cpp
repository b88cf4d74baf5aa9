// The client over plain sockets; Beast parses the answers, in this translation unit alone.
#include "tests/conformance/client.hpp"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <thread>

#include "tests/conformance/transcript.hpp"

namespace comet::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
namespace http = boost::beast::http;

milliseconds current_patience{10'000};

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

bool wait_for(int socket, short events, Clock::time_point deadline) {
  pollfd event{socket, events, 0};
  int ready;
  while ((ready = poll(&event, 1, milliseconds_until(deadline))) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

std::string system_error(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

std::string shown(const std::string& bytes) {
  const std::size_t kMost = 300;
  return std::to_string(bytes.size()) + " bytes: '" + bytes.substr(0, kMost) + "'";
}

// The bytes that the program at `port` has not read yet of what came to it from `peer_port`; 0: no
// such connection.
unsigned long unread_bytes(std::uint16_t port, std::uint16_t peer_port) {
  for (const char* table :
       {"/proc/net/tcp", "/proc/net/tcp6"}) {  // the second has servers that listen on both
    std::ifstream file(table);
    for (std::string line; std::getline(file, line);) {
      unsigned local = 0, peer = 0, state = 0;
      unsigned long unsent = 0, unread = 0;
      const int fields = std::sscanf(line.c_str(), " %*d: %*[0-9A-F]:%X %*[0-9A-F]:%X %X %lX:%lX", &local,
                                     &peer, &state, &unsent, &unread);
      if (fields == 5 && local == port && peer == peer_port) return unread;
    }
  }
  return 0;
}

Response convert(const http::response<http::string_body>& message) {
  Response response;
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) response.fields.emplace_back(field.name_string(), field.value());
  response.body = message.body();
  return response;
}

}  // namespace

milliseconds patience() { return current_patience; }
void set_patience(milliseconds bound) { current_patience = bound; }

bool Response::has(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (boost::beast::iequals(field, name)) return true;
  }
  return false;
}

std::string Response::header(std::string_view name) const {
  for (const auto& [field, value] : fields) {
    if (boost::beast::iequals(field, name)) return value;
  }
  return "";
}

std::string request(std::string_view method, std::string_view target, std::string_view fields,
                    std::string_view body) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(fields);
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text.append("\r\n").append(body);
}

std::string get_request(std::string_view target) { return request("GET", target); }

Connection::Connection(std::uint16_t port, int receive_buffer, Recorded recorded)
    : number_(recorded == Recorded::kYes ? transcript().add_connection() : 0) {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) throw ClientError(system_error("socket"));
  const int one = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (receive_buffer > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    const std::string reason = system_error("connect to the server");
    close(socket_);
    throw ClientError(reason);
  }
}

Connection::~Connection() { leave(); }

Connection::Connection(Connection&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      number_(other.number_),
      received_(std::move(other.received_)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(number_, other.number_);
  std::swap(received_, other.received_);
  return *this;
}

void Connection::send(std::string_view bytes) {
  const auto deadline = Clock::now() + patience();
  while (!bytes.empty()) {
    if (!wait_for(socket_, POLLOUT, deadline)) throw ClientError("the server takes no more bytes");
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      if (number_ > 0) transcript().sent(number_, bytes.substr(0, static_cast<std::size_t>(count)));
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return record("the server has closed it and takes no more");
    } else if (errno != EAGAIN && errno != EINTR) {
      throw ClientError(system_error("send"));
    }
  }
}

void Connection::send_byte_by_byte(std::string_view bytes) {
  for (const char& byte : bytes) {
    send({&byte, 1});
    wait_until_received();
  }
}

void Connection::wait_until_received() const {
  const auto deadline = Clock::now() + patience();
  for (int unacknowledged = 1; unacknowledged > 0;) {
    if (ioctl(socket_, SIOCOUTQ, &unacknowledged) < 0) throw ClientError(system_error("SIOCOUTQ"));
    pollfd ended{socket_, 0, 0};
    if (poll(&ended, 1, 0) > 0) return;  // reset: nothing is received any more, the next read tells
    if (Clock::now() > deadline) throw ClientError("the server's kernel takes no more bytes");
    std::this_thread::yield();
  }
}

bool Connection::is_read_by_server() const {
  sockaddr_in own{}, peer{};
  socklen_t size = sizeof own;
  if (getsockname(socket_, reinterpret_cast<sockaddr*>(&own), &size) < 0)
    throw ClientError(system_error("getsockname"));
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&peer), &size) < 0) return true;
  return unread_bytes(ntohs(peer.sin_port), ntohs(own.sin_port)) == 0;
}

void Connection::record(const char* what) const {
  if (number_ > 0) transcript().happened(what, number_);
}

bool Connection::receive_more(Clock::time_point deadline, const std::string& before) {
  for (;;) {
    if (!wait_for(socket_, POLLIN, deadline)) {
      record("nothing more has come");
      throw ClientError("nothing more came within " + std::to_string(patience().count()) + " ms, after " +
                        shown(before + received_));
    }
    char bytes[65536];
    const ssize_t count = recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) {
      if (number_ > 0) transcript().received(number_, {bytes, static_cast<std::size_t>(count)});
      received_.append(bytes, static_cast<std::size_t>(count));
      return true;
    }
    if (count == 0 || errno == ECONNRESET) {
      record(count == 0 ? "the server has closed it" : "the server has reset it");
      return false;
    }
    if (errno != EAGAIN && errno != EINTR) throw ClientError(system_error("receive"));
  }
}

Response Connection::read_response(Expect expect) {
  const auto deadline = Clock::now() + patience();
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.skip(expect == Expect::kHeadersOnly);
  parser.body_limit(boost::none);
  std::string head;  // of this answer, for the message of a failure
  while (!parser.is_done()) {
    boost::system::error_code error;
    if (!received_.empty()) {
      const std::size_t used = parser.put(boost::asio::buffer(received_), error);
      if (error && error != http::error::need_more) {
        throw ClientError("not an HTTP answer (" + error.message() + "): " + shown(received_));
      }
      head.append(received_, 0, used);
      received_.erase(0, used);
      if (used > 0) continue;
    }
    if (receive_more(deadline, head)) continue;
    if (head.empty()) throw ClientError("the server closed the connection without an answer");
    parser.put_eof(error);
    if (error)
      throw ClientError("the server closed in the middle of an answer, after " + shown(head + received_));
  }
  return convert(parser.get());
}

bool Connection::at_end() { return received_.empty() && !receive_more(Clock::now() + patience()); }

std::string Connection::read_bytes(std::size_t count) {
  const auto deadline = Clock::now() + patience();
  while (received_.size() < count && receive_more(deadline)) {
  }
  std::string bytes = received_.substr(0, count);
  received_.erase(0, count);
  return bytes;
}

std::string Connection::read_until_closed() {
  const auto deadline = Clock::now() + patience();
  while (receive_more(deadline)) {
  }
  return std::exchange(received_, "");
}

bool Connection::readable_within(milliseconds bound) const {
  return !received_.empty() || wait_for(socket_, POLLIN, Clock::now() + bound);
}

void Connection::end_sending() {
  record("the test sends no more (FIN), and reads on");
  shutdown(socket_, SHUT_WR);
}

void Connection::leave() {
  if (socket_ < 0) return;
  record("the test closes it (FIN)");
  close(std::exchange(socket_, -1));
}

void Connection::reset() {
  record("the test resets it (RST)");
  const linger at_once{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(std::exchange(socket_, -1));
}

}  // namespace comet::test
