// What the world sees of a relay: /publish, /ready, and the pages of every server.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "core/decision.hpp"
#include "core/service.hpp"
#include "nodes/relay/relay.hpp"

namespace comet::relay {

class Front {
 public:
  // Listens; exits with one line on standard error if it cannot.
  Front(asio::io_context& loop, const core::Options& options, Relay& relay);
  // Accepts, and says READY.
  void start();
  void stop();

 private:
  asio::awaitable<void> accept();
  asio::awaitable<void> serve(asio::ip::tcp::socket socket);
  asio::awaitable<core::Response> answer(const core::Decision& decision);

  asio::io_context& loop_;
  Relay& relay_;
  const std::size_t connection_limit_;
  core::Counters counters_;
  const std::uint64_t started_;
  core::Service service_;
  asio::ip::tcp::acceptor acceptor_;
};

}  // namespace comet::relay
