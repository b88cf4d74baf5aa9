// The server beside which the relay runs: its process, and the one connection by which it gets its messages.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bus/entry.hpp"

namespace comet::relay {
namespace asio = boost::asio;

// The node does not do what it should: it is to be started anew.
struct NodeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Node {
 public:
  // `on_end` is called when the process has ended by itself, after it had said READY. `timeout`: for a message.
  Node(asio::io_context& loop, std::vector<std::string> command, std::chrono::milliseconds timeout,
       std::function<void()> on_end);
  ~Node();

  // Starts it, with its log to begin at `begin`, and waits until it says READY. Throws NodeError.
  asio::awaitable<void> start(core::Cursor begin);
  // Has it drain, and waits for its end. Does nothing if it does not run.
  asio::awaitable<void> stop();
  // Throws NodeError if the node does not take it.
  asio::awaitable<void> publish(const bus::Entry& entry);
  bool is_running() const { return process_ > 0; }

 private:
  int spawn(core::Cursor begin);
  asio::awaitable<void> read_ready_line(int output);
  asio::awaitable<void> watch(int process);
  asio::awaitable<void> wait_for_end(std::chrono::milliseconds most);
  asio::awaitable<void> connect();
  asio::awaitable<void> send(const bus::Entry& entry);

  asio::io_context& loop_;
  const std::vector<std::string> command_;
  const std::chrono::milliseconds timeout_;
  const std::function<void()> on_end_;
  const std::string token_;
  const int token_file_;
  int process_ = 0;
  bool serves_ = false;  // from READY until it is told to end
  std::uint16_t port_ = 0;
  asio::ip::tcp::socket socket_;
};

}  // namespace comet::relay
