// What the world sees of a gateway: its pages, and who serves each.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "nodes/gateway/bayeux.hpp"
#include "nodes/gateway/connection.hpp"
#include "nodes/gateway/gateway.hpp"

namespace comet::gateway {

class Front {
 public:
  // Listens; exits with one line on standard error if it cannot.
  Front(Gateway& gateway, Bayeux& bayeux);
  // Accepts, and says READY.
  void start();
  void stop();

 private:
  asio::awaitable<void> accept();
  asio::awaitable<void> serve(asio::ip::tcp::socket socket);
  // False: the connection ends.
  asio::awaitable<bool> answer(Connection& connection, Request& request);
  asio::awaitable<std::optional<core::Response>> wait(Connection& connection, Request& request,
                                                      core::Target target);
  asio::awaitable<core::Response> page(Request& request);

  Gateway& gateway_;
  Bayeux& bayeux_;
  const std::size_t most_connections_;
  asio::ip::tcp::acceptor acceptor_;
};

}  // namespace comet::gateway
