// Joins a program to the others: reads the stream from its first entry on, and publishes to it, over two
// connections to Redis that are made anew whenever they are lost.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <random>
#include <string>

#include "bus/backoff.hpp"
#include "bus/publisher.hpp"
#include "bus/stream_reader.hpp"
#include "nodes/common/redis_link.hpp"

namespace comet::nodes {
namespace asio = boost::asio;

class BusClient {
 public:
  using Handle = std::function<asio::awaitable<void>(const bus::Event&)>;

  // `redis` must outlive it. `name`: one that no other program has. `handle` is called with each event, and the next
  // waits for its end. If it throws, the stream is read anew.
  BusClient(asio::io_context& loop, const RedisAddress& redis, std::size_t most, const std::string& name,
            Handle handle);

  void start();
  // Takes no more publishes, and returns when those under way have ended.
  asio::awaitable<void> stop();

  // Has read all that was in the stream when Redis answered last, and that is not long ago.
  bool is_ready() const;
  // What has been read is not continued: the stream is read from its first entry on once more.
  void begin_anew();
  // How the publish ended; at the latest a moment after its deadline.
  asio::awaitable<bus::Publisher::Outcome> publish(std::string channel, std::string body);

 private:
  asio::awaitable<void> keep_reading();
  asio::awaitable<void> bring(const bus::Event& event);
  asio::awaitable<void> keep_publishing();
  asio::awaitable<void> watch_the_time();

  asio::io_context& loop_;
  const std::size_t most_;
  const Handle handle_;
  RedisLink reading_;
  RedisLink publishing_;
  bus::StreamReader reader_;
  bus::Publisher publisher_;
  std::minstd_rand random_;
  bool caught_up_ = false;  // on this connection
  bool stopping_ = false;
};

// Says on standard error what failed, or what Redis or `handle` failed by: once, however often it is tried, until
// all has been read again.
void say(const std::string& what);
void say_why(const std::exception& error);
// Waits as `backoff` says.
asio::awaitable<void> pause(asio::io_context& loop, bus::Backoff& backoff, std::minstd_rand& random);
// For co_spawn(): what the coroutine did not handle ends the program.
void fail_if_any(const std::exception_ptr& error);

}  // namespace comet::nodes
