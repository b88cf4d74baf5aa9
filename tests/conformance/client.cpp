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
#include <cstring>
#include <thread>

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

Connection::Connection(std::uint16_t port, int receive_buffer) {
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
    : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(received_, other.received_);
  return *this;
}

void Connection::send(std::string_view bytes) {
  const auto deadline = Clock::now() + patience();
  while (!bytes.empty()) {
    if (!wait_for(socket_, POLLOUT, deadline)) throw ClientError("the server takes no more bytes");
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return;
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

void Connection::wait_until_received() {
  const auto deadline = Clock::now() + patience();
  for (int unacknowledged = 1; unacknowledged > 0;) {
    if (ioctl(socket_, SIOCOUTQ, &unacknowledged) < 0) throw ClientError(system_error("SIOCOUTQ"));
    pollfd ended{socket_, 0, 0};
    if (poll(&ended, 1, 0) > 0) return;  // reset: nothing is received any more, the next read tells
    if (Clock::now() > deadline) throw ClientError("the server's kernel takes no more bytes");
    std::this_thread::yield();
  }
}

bool Connection::receive_more(Clock::time_point deadline, const std::string& before) {
  for (;;) {
    if (!wait_for(socket_, POLLIN, deadline)) {
      throw ClientError("nothing more came within " + std::to_string(patience().count()) + " ms, after " +
                        shown(before + received_));
    }
    char bytes[65536];
    const ssize_t count = recv(socket_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) {
      received_.append(bytes, static_cast<std::size_t>(count));
      return true;
    }
    if (count == 0 || errno == ECONNRESET) return false;
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

void Connection::end_sending() { shutdown(socket_, SHUT_WR); }

void Connection::leave() {
  if (socket_ >= 0) close(std::exchange(socket_, -1));
}

void Connection::reset() {
  const linger at_once{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  leave();
}

}  // namespace comet::test
