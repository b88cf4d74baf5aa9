// See redis_link.hpp.
#include "nodes/common/redis_link.hpp"

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace comet::nodes {

using asio::use_awaitable;
using asio::ip::tcp;

asio::awaitable<void> RedisLink::connect() {
  close();
  silent_since_ = Clock::now();
  waits_ = true;
  replies_ = std::make_unique<bus::ReplyReader>();
  outbox_.clear();
  tcp::resolver resolver(socket_.get_executor());
  const auto places = co_await resolver.async_resolve(address_.host, address_.port, use_awaitable);
  co_await asio::async_connect(socket_, places, use_awaitable);
  socket_.set_option(tcp::no_delay(true));
  if (address_.password.empty()) co_return;
  const std::string user = address_.user.empty() ? "default" : address_.user;
  send(bus::format_command({"AUTH", user, address_.password}));
  const bus::Reply reply = co_await receive();
  if (reply.kind == bus::Reply::Kind::error) throw bus::WireError(reply.text);
}

asio::awaitable<bus::Reply> RedisLink::receive() {
  std::array<char, 65536> bytes;
  while (true) {
    if (auto reply = replies_->next()) co_return *std::move(reply);
    waits_ = true;
    const std::size_t size = co_await socket_.async_read_some(asio::buffer(bytes), use_awaitable);
    waits_ = false;
    silent_since_ = Clock::now();
    replies_->feed({bytes.data(), size});
  }
}

void RedisLink::send(const std::string& bytes) {
  silent_since_ = Clock::now();
  outbox_ += bytes;
  if (!std::exchange(is_writing_, true)) asio::co_spawn(socket_.get_executor(), write(), asio::detached);
}

// A failed write is not reported: the same connection's receive() fails too.
asio::awaitable<void> RedisLink::write() {
  try {
    while (!outbox_.empty()) {
      const std::string bytes = std::exchange(outbox_, {});
      co_await asio::async_write(socket_, asio::buffer(bytes), use_awaitable);
    }
  } catch (const boost::system::system_error&) {
    outbox_.clear();
  }
  is_writing_ = false;
}

void RedisLink::close() {
  boost::system::error_code ignored;  // it is closed in any case
  socket_.close(ignored);
}

}  // namespace comet::nodes
