// HTTP for the load generator: one response parser, prebuilt requests, and a small blocking client for
// publishing and for /stats. The held connections have their own loop (subscribers.hpp).
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace comet::loadgen {

// A server's address, IPv4 or IPv6 in numbers, and its port.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
};

// http://HOST:PORT with a name or an address, IPv6 in brackets. A name's IPv4 address is preferred.
// Throws UsageError.
Endpoint parse_url(const std::string& url);

// As it stands in a URL: 127.0.0.1:8000 or [::1]:8000.
std::string host_and_port(const Endpoint& endpoint);

// As the kernel takes it, for a socket of the family `address.ss_family`. Gives its size.
socklen_t socket_address(const Endpoint& endpoint, sockaddr_storage& address);

struct Response {
  unsigned status = 0;
  bool keep_alive = false;
  std::string body;
  std::string content_type;
  std::string cursor;                     // Comet-Cursor, empty when absent
  bool missed = false;                    // Comet-Missed: messages that are gone
  std::optional<std::int64_t> receivers;  // Comet-Receivers
};

enum class ParseStatus { kIncomplete, kComplete, kMalformed };

// Parses one response at the start of `bytes`. If it is complete, `consumed` is its size.
ParseStatus parse_response(std::string_view bytes, Response& response, std::size_t& consumed);

std::string get_request(const Endpoint& endpoint, const std::string& target);
std::string post_request(const Endpoint& endpoint, const std::string& target, std::string_view body,
                         const std::string& content_type = "text/plain");

// One keep-alive connection, used by one thread. Connects when needed. Throws std::runtime_error if the
// server cannot be reached, or answers not within 10 s or not in HTTP, and Interrupted on a stop signal.
class HttpClient {
 public:
  explicit HttpClient(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}
  ~HttpClient() { close(); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Response get(const std::string& target);
  Response post(const std::string& target, std::string_view body);

  // The two halves of a request, for a caller that does something else until the answer comes.
  void connect();  // makes sure that the next send() has an open connection
  void send(std::string_view request);
  void send_get(const std::string& target);
  bool readable() const;
  int socket() const { return socket_; }  // -1 when there is no connection
  Response receive();
  void close();

 private:
  Response exchange(std::string_view request);

  Endpoint endpoint_;
  int socket_ = -1;
  std::string received_;
};

}  // namespace comet::loadgen
