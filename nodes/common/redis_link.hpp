// One connection to Redis, made anew as often as needed. Bytes out, replies in.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "bus/wire.hpp"

namespace comet::nodes {
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct RedisAddress {
  std::string host = "127.0.0.1";
  std::string port = "6379";
  std::string user;  // empty with a password: Redis' default user
  std::string password;
};

class RedisLink {
 public:
  RedisLink(asio::io_context& loop, const RedisAddress& address) : address_(address), socket_(loop) {}

  // Every call throws if the connection is lost, or closed by close().
  asio::awaitable<void> connect();
  asio::awaitable<bus::Reply> receive();
  // In the order of the calls. If the connection is lost, receive() says so.
  void send(const std::string& bytes);

  // When something came last, or was asked last.
  Clock::time_point silent_since() const { return silent_since_; }
  // It is connecting, or somebody waits for a reply.
  bool waits() const { return waits_; }
  void close();

 private:
  asio::awaitable<void> write();

  const RedisAddress& address_;
  asio::ip::tcp::socket socket_;
  std::unique_ptr<bus::ReplyReader> replies_;
  Clock::time_point silent_since_;
  std::string outbox_;  // not yet given to the socket
  bool is_writing_ = false;
  bool waits_ = false;
};

}  // namespace comet::nodes
