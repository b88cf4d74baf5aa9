// Who is where: keys in Redis that say which gateway a user is connected to, and which gateways there are. Each key
// is renewed, and vanishes if whoever renews it has died.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/options.hpp"
#include "nodes/common/redis_link.hpp"

namespace comet::gateway {
namespace asio = boost::asio;

class Registry {
 public:
  // `redis` must outlive it. `on_lost` is called for a user of this gateway who is now at another one.
  Registry(asio::io_context& loop, const nodes::RedisAddress& redis, const std::string& node,
           core::Milliseconds heartbeat, std::function<void(const std::string& user)> on_lost);

  void start();

  enum class Claim { granted, taken, unreachable };
  // Makes the user one of this gateway, until release(). The caller sees to it that no other connection of this
  // gateway has the user.
  asio::awaitable<Claim> claim(std::string user);
  void release(const std::string& user);
  // Whether the user is at any gateway; nullopt: Redis is not reached.
  asio::awaitable<std::optional<bool>> is_here(std::string user);

  // Returns when Redis has heard of all that was released, or is not reached.
  asio::awaitable<void> finish() { co_await is_here(""); }

  // As of the last heartbeat; of very many users only some.
  const std::set<std::string>& users() const { return users_; }
  std::size_t nodes() const { return nodes_; }

 private:
  struct Asked {
    explicit Asked(asio::io_context& loop) : answered(loop) {}
    asio::steady_timer answered;
    std::optional<bus::Reply> reply;
  };
  // nullopt: Redis is not reached.
  asio::awaitable<std::optional<bus::Reply>> ask(std::string command);
  asio::awaitable<void> keep_connected();
  asio::awaitable<void> beat();
  asio::awaitable<void> renew_users();
  asio::awaitable<void> look_around();

  asio::io_context& loop_;
  nodes::RedisLink link_;
  const std::string node_;
  const core::Milliseconds heartbeat_;
  const std::function<void(const std::string&)> on_lost_;
  bool connected_ = false;
  std::deque<std::shared_ptr<Asked>> asked_;  // in the order of their replies
  std::set<std::string> own_;                 // users of this gateway
  std::set<std::string> users_;
  std::size_t nodes_ = 0;
  std::minstd_rand random_;
};

}  // namespace comet::gateway
