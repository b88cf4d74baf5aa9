// HTTP for the load generator: see http.hpp. The only file that compiles Beast's parser.
#include "loadgen/clients/http.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/url/parse.hpp>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "loadgen/clock.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

namespace http = boost::beast::http;

constexpr std::int64_t kAnswerTimeout = 10 * kSecond;
constexpr int kSliceMilliseconds = 100;  // how often a wait checks for a stop signal

// The address that a server of this name most likely listens on: its first of IPv4, else of IPv6.
std::string resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  for (const int family : {AF_INET, AF_INET6}) {
    hints.ai_family = family;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) continue;
    std::array<char, NI_MAXHOST> text{};
    const int error =
        getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    if (error == 0) return text.data();
  }
  throw UsageError("host '" + host +
                   "' is not known: use an address as in http://127.0.0.1:8000 or http://[::1]:8000");
}

std::string host_line(const Endpoint& endpoint) { return "Host: " + host_and_port(endpoint) + "\r\n"; }

template <class Message>
std::string field(const Message& message, std::string_view name) {
  const auto value = message[boost::beast::string_view(name.data(), name.size())];
  return {value.data(), value.size()};
}

}  // namespace

Endpoint parse_url(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (!parsed || parsed->scheme() != "http" || parsed->host().empty() || !parsed->encoded_query().empty() ||
      (!parsed->encoded_path().empty() && parsed->encoded_path() != "/"))
    throw UsageError("'" + url + "' is not the address of a server: use http://127.0.0.1:8000");
  const std::uint16_t port = parsed->has_port() ? parsed->port_number() : 80;
  if (port == 0)
    throw UsageError("'" + url + "' has no usable port: use 1 to 65535, as in http://127.0.0.1:8000");
  return {resolve(parsed->host_address()), port};
}

std::string host_and_port(const Endpoint& endpoint) {
  const bool is_ipv6 = endpoint.address.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" + std::to_string(endpoint.port);
}

socklen_t socket_address(const Endpoint& endpoint, sockaddr_storage& address) {
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(endpoint.port);
  if (inet_pton(AF_INET, endpoint.address.c_str(), &ipv4.sin_addr) == 1) {
    std::memcpy(&address, &ipv4, sizeof ipv4);
    return sizeof ipv4;
  }
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(endpoint.port);
  inet_pton(AF_INET6, endpoint.address.c_str(), &ipv6.sin6_addr);
  std::memcpy(&address, &ipv6, sizeof ipv6);
  return sizeof ipv6;
}

ParseStatus parse_response(std::string_view bytes, Response& response, std::size_t& consumed) {
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  boost::system::error_code error;
  consumed = 0;
  // put() may stop after the header: go on until the message is whole or the bytes are used up.
  while (!parser.is_done() && consumed < bytes.size()) {
    const std::size_t used =
        parser.put(boost::asio::buffer(bytes.data() + consumed, bytes.size() - consumed), error);
    consumed += used;
    if (error == http::error::need_more || (!error && used == 0)) return ParseStatus::kIncomplete;
    if (error) return ParseStatus::kMalformed;
  }
  if (!parser.is_done()) return ParseStatus::kIncomplete;
  const auto& message = parser.get();
  response.status = message.result_int();
  response.keep_alive = message.keep_alive();
  response.content_type = field(message, "Content-Type");
  response.cursor = field(message, "Comet-Cursor");
  response.missed = !field(message, "Comet-Missed").empty();
  response.receivers.reset();
  const std::string receivers = field(message, "Comet-Receivers");
  std::int64_t count = 0;
  if (std::from_chars(receivers.data(), receivers.data() + receivers.size(), count).ec == std::errc())
    response.receivers = count;
  response.body = std::move(parser.get().body());
  return ParseStatus::kComplete;
}

std::string get_request(const Endpoint& endpoint, const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\n" + host_line(endpoint) + "\r\n";
}

std::string post_request(const Endpoint& endpoint, const std::string& target, std::string_view body,
                         const std::string& content_type) {
  return "POST " + target + " HTTP/1.1\r\n" + host_line(endpoint) + "Content-Type: " + content_type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

Response HttpClient::get(const std::string& target) { return exchange(get_request(endpoint_, target)); }

void HttpClient::send_get(const std::string& target) { send(get_request(endpoint_, target)); }

Response HttpClient::post(const std::string& target, std::string_view body) {
  return exchange(post_request(endpoint_, target, body));
}

Response HttpClient::exchange(std::string_view request) {
  send(request);
  return receive();
}

void HttpClient::connect() {
  // A server may have closed an idle connection. If it is readable before anything was asked, that is
  // what happened.
  if (readable()) close();
  if (socket_ >= 0) return;
  sockaddr_storage name{};
  const socklen_t size = socket_address(endpoint_, name);
  socket_ = ::socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) throw std::runtime_error(system_error_text("socket"));
  const int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Blocking: on a full backlog the kernel repeats the SYN; SO_SNDTIMEO bounds that.
  const timeval limit{kAnswerTimeout / kSecond, 0};
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&name), size) != 0) {
    const std::string text = system_error_text("cannot connect to " + host_and_port(endpoint_));
    close();
    throw_if_interrupted();
    throw std::runtime_error(text);
  }
}

void HttpClient::send(std::string_view request) {
  connect();
  while (!request.empty()) {
    const ssize_t sent = ::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR && stop_signals() == 0) continue;
      const std::string text = system_error_text("cannot send to " + host_and_port(endpoint_));
      close();
      throw_if_interrupted();
      throw std::runtime_error(text);
    }
    request.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool HttpClient::readable() const {
  pollfd entry{socket_, POLLIN, 0};
  return socket_ >= 0 && poll(&entry, 1, 0) > 0;
}

Response HttpClient::receive() {
  const std::int64_t deadline = now_ns() + kAnswerTimeout;
  std::array<char, 16384> buffer;
  Response response;
  for (;;) {
    std::size_t consumed = 0;
    const ParseStatus status = parse_response(received_, response, consumed);
    if (status == ParseStatus::kMalformed) {
      close();
      throw std::runtime_error(host_and_port(endpoint_) + " answered something that is not HTTP");
    }
    if (status == ParseStatus::kComplete) {
      received_.erase(0, consumed);
      if (!response.keep_alive) close();
      return response;
    }
    pollfd entry{socket_, POLLIN, 0};
    const int ready = poll(&entry, 1, kSliceMilliseconds);
    throw_if_interrupted();
    if (ready <= 0) {
      if (now_ns() < deadline) continue;
      close();
      throw std::runtime_error(host_and_port(endpoint_) + " did not answer within 10 s");
    }
    const ssize_t size = recv(socket_, buffer.data(), buffer.size(), 0);
    if (size <= 0) {
      const std::string why = size == 0 ? "it closed the connection" : system_error_text("recv");
      close();
      throw std::runtime_error("no answer from " + host_and_port(endpoint_) + ": " + why);
    }
    received_.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

void HttpClient::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  received_.clear();
}

}  // namespace comet::loadgen
