// The relay: brings the stream's messages to its node, and publishes to the stream.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/decision.hpp"
#include "nodes/common/bus_client.hpp"
#include "nodes/relay/node.hpp"
#include "nodes/relay/relay_options.hpp"

namespace comet::relay {

class Relay {
 public:
  // `options` must outlive it.
  Relay(asio::io_context& loop, const RelayOptions& options);

  void start() { bus_.start(); }
  // Has the node drain, and returns when it has ended.
  asio::awaitable<void> stop();

  // The node has every message, as far as one can know: what a load balancer asks.
  bool is_ready() const { return bus_.is_ready() && node_.is_running(); }
  // How the publish ended; at the latest a moment after its deadline. If it went well, the node has it too, unless
  // that does not work.
  asio::awaitable<bus::Publisher::Outcome> publish(const core::Publish& message);

 private:
  asio::awaitable<void> handle(const bus::Event& event);
  asio::awaitable<void> wait_for_node(core::Cursor cursor);

  asio::io_context& loop_;
  nodes::BusClient bus_;
  Node node_;
  core::Cursor node_has_;       // every message up to this one, since the node was started
  asio::steady_timer brought_;  // never over: cancelled when the node has a message more
};

}  // namespace comet::relay
