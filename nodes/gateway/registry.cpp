// See registry.hpp.
#include "nodes/gateway/registry.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "nodes/common/bus_client.hpp"

namespace comet::gateway {
namespace {

using asio::use_awaitable;
using std::chrono::milliseconds;

constexpr milliseconds kAnswer{2500};        // after which Redis is taken for lost
constexpr std::size_t kRenewedAtOnce = 500;  // so that one command does not hold up Redis
constexpr std::size_t kMostListed = 1000;
constexpr int kNodeRenewal =
    6;  // heartbeats between two renewals of this gateway's key, which lives for two such
constexpr std::string_view kUser = "{comet}:user:";
constexpr std::string_view kNode = "{comet}:node:";

// A key that this gateway has already is of a session that has ended, and whose end Redis did not hear.
constexpr std::string_view kClaim = R"lua(
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
)lua";

constexpr std::string_view kRelease = R"lua(
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
)lua";

// Replies with the places of those keys that are another gateway's by now. A key that is gone is set anew: Redis was
// away for longer than it lives.
constexpr std::string_view kRenew = R"lua(
local lost = {}
for place, key in ipairs(KEYS) do
  local node = redis.call('GET', key)
  if not node then redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
  elseif node == ARGV[1] then redis.call('PEXPIRE', key, ARGV[2])
  else lost[#lost + 1] = place end
end
return lost
)lua";

// GCC 12 takes no list in braces in a coroutine.
template <class... Words>
std::string command(const Words&... words) {
  return bus::format_command({std::string_view(words)...});
}

std::string key_of(const std::string& user) { return std::string(kUser) + user; }

std::string renew_command(const std::vector<std::string>& keys, const std::string& node,
                          const std::string& life) {
  const std::string number = std::to_string(keys.size());
  std::vector<std::string_view> words{"EVAL", kRenew, number};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), {node, life});
  return bus::format_command(words);
}

}  // namespace

Registry::Registry(asio::io_context& loop, const nodes::RedisAddress& redis, const std::string& node,
                   core::Milliseconds heartbeat, std::function<void(const std::string&)> on_lost)
    : loop_(loop),
      link_(loop, redis),
      node_(node),
      heartbeat_(heartbeat),
      on_lost_(std::move(on_lost)),
      random_(std::random_device{}()) {}

void Registry::start() {
  asio::co_spawn(loop_, keep_connected(), nodes::fail_if_any);
  asio::co_spawn(loop_, beat(), nodes::fail_if_any);
}

asio::awaitable<void> Registry::keep_connected() {
  bus::Backoff backoff;
  while (true) {
    try {
      co_await link_.connect();
      connected_ = true;
      backoff.succeed();
      while (true) {
        bus::Reply reply = co_await link_.receive();
        if (asked_.empty()) throw bus::WireError("answers what was not asked");
        asked_.front()->reply = std::move(reply);
        asked_.front()->answered.cancel();
        asked_.pop_front();
      }
    } catch (const std::exception& error) {
      nodes::say_why(error);
    }
    connected_ = false;
    link_.close();
    for (const auto& asked : asked_) asked->answered.cancel();
    asked_.clear();
    co_await nodes::pause(loop_, backoff, random_);
  }
}

asio::awaitable<std::optional<bus::Reply>> Registry::ask(std::string command) {
  if (!connected_) co_return std::nullopt;
  const auto asked = std::make_shared<Asked>(loop_);
  asked_.push_back(asked);
  link_.send(command);
  asked->answered.expires_after(kAnswer);
  boost::system::error_code cancelled;
  co_await asked->answered.async_wait(asio::redirect_error(use_awaitable, cancelled));
  if (!cancelled) link_.close();  // the loop above sees it
  co_return asked->reply;
}

asio::awaitable<Registry::Claim> Registry::claim(std::string user) {
  const std::string life = std::to_string(3 * heartbeat_.count());
  const auto reply = co_await ask(command("EVAL", kClaim, "1", key_of(user), node_, life));
  if (!reply || reply->kind != bus::Reply::Kind::integer) co_return Claim::unreachable;
  if (reply->integer == 0) co_return Claim::taken;
  own_.insert(user);
  users_.insert(std::move(user));
  co_return Claim::granted;
}

void Registry::release(const std::string& user) {
  own_.erase(user);
  users_.erase(user);
  // Without an answer the key ends by itself.
  asio::co_spawn(loop_, ask(command("EVAL", kRelease, "1", key_of(user), node_)),
                 [](const std::exception_ptr& error, const auto&) { nodes::fail_if_any(error); });
}

asio::awaitable<std::optional<bool>> Registry::is_here(std::string user) {
  if (own_.contains(user)) co_return true;
  const auto reply = co_await ask(command("GET", key_of(user)));
  if (!reply || reply->kind == bus::Reply::Kind::error) co_return std::nullopt;
  co_return reply->kind == bus::Reply::Kind::text;
}

asio::awaitable<void> Registry::beat() {
  asio::steady_timer timer(loop_);
  const std::string node_key = std::string(kNode) + node_;
  const std::string life = std::to_string(heartbeat_.count() * 2 * kNodeRenewal);
  for (int renewal = 0; true; renewal = (renewal + 1) % kNodeRenewal) {
    while (!connected_) {
      timer.expires_after(std::min<milliseconds>(heartbeat_, milliseconds(100)));
      co_await timer.async_wait(use_awaitable);
      renewal = 0;
    }
    if (renewal == 0) co_await ask(command("SET", node_key, "1", "PX", life));
    co_await renew_users();
    co_await look_around();
    timer.expires_after(heartbeat_);
    co_await timer.async_wait(use_awaitable);
  }
}

asio::awaitable<void> Registry::renew_users() {
  const std::string life = std::to_string(3 * heartbeat_.count());
  const std::vector<std::string> users(own_.begin(), own_.end());
  for (std::size_t begin = 0; begin < users.size(); begin += kRenewedAtOnce) {
    const std::size_t count = std::min(kRenewedAtOnce, users.size() - begin);
    std::vector<std::string> keys;
    for (std::size_t i = begin; i < begin + count; ++i) keys.push_back(key_of(users[i]));
    const auto reply = co_await ask(renew_command(keys, node_, life));
    if (!reply || reply->kind != bus::Reply::Kind::array) co_return;
    for (const bus::Reply& place : reply->items) {
      const std::string& lost = users.at(begin + static_cast<std::size_t>(place.integer) - 1);
      if (own_.erase(lost) > 0) on_lost_(lost);
    }
  }
}

asio::awaitable<void> Registry::look_around() {
  std::set<std::string> users, nodes;
  std::string cursor = "0";
  do {
    const auto reply = co_await ask(command("SCAN", cursor, "MATCH", "{comet}:[nu]*:*", "COUNT", "1000"));
    if (!reply || reply->items.size() != 2) co_return;
    cursor = reply->items[0].text;
    for (const bus::Reply& key : reply->items[1].items) {
      const std::string_view name = key.text;
      if (name.starts_with(kNode)) nodes.emplace(name.substr(kNode.size()));
      if (name.starts_with(kUser) && users.size() < kMostListed) users.emplace(name.substr(kUser.size()));
    }
  } while (cursor != "0");
  users_ = std::move(users);
  nodes_ = nodes.size();
}

}  // namespace comet::gateway
