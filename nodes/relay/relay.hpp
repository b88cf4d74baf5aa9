// The relay: reads the stream and brings its messages to the node, and publishes to the stream.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <random>
#include <string>

#include "bus/backoff.hpp"
#include "bus/publisher.hpp"
#include "bus/stream_reader.hpp"
#include "core/decision.hpp"
#include "nodes/relay/node.hpp"
#include "nodes/relay/redis_link.hpp"
#include "nodes/relay/relay_options.hpp"

namespace comet::relay {

class Relay {
 public:
  // `options` must outlive it.
  Relay(asio::io_context& loop, const RelayOptions& options);

  void start();
  // Has the node drain, and returns when it has ended.
  asio::awaitable<void> stop();

  // The node has every message, as far as one can know: what a load balancer asks.
  bool is_ready() const;
  // How the publish ended; at the latest a moment after its deadline. If it went well, the node has it too, unless
  // that does not work.
  asio::awaitable<bus::Publisher::Outcome> publish(const core::Publish& message);

 private:
  asio::awaitable<void> keep_reading();
  asio::awaitable<void> read_stream();
  asio::awaitable<void> handle(const bus::Event& event);
  asio::awaitable<void> keep_publishing();
  asio::awaitable<void> watch_the_time();
  asio::awaitable<void> wait_for_node(core::Cursor cursor);
  asio::awaitable<void> pause(bus::Backoff& backoff);
  void say(const std::string& what);
  void say_of_redis(const std::exception& error);

  asio::io_context& loop_;
  const RelayOptions& options_;
  RedisLink reading_;
  RedisLink publishing_;
  bus::StreamReader reader_;
  bus::Publisher publisher_;
  Node node_;
  std::minstd_rand random_;
  bool caught_up_ = false;      // since the connection was made, and the node started
  core::Cursor node_has_;       // every message up to this one, since the node was started
  asio::steady_timer brought_;  // never over: cancelled when the node has a message more
  bool stopping_ = false;
  std::string said_;  // last, on standard error
};

}  // namespace comet::relay
