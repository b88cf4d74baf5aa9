// See users.hpp.
#include "nodes/gateway/users.hpp"

#include <boost/json.hpp>

#include "core/routes.hpp"
#include "nodes/gateway/rate_limit.hpp"
#include "nodes/gateway/socket.hpp"

namespace comet::gateway {
namespace {

namespace json = boost::json;

std::string channel_of(const std::string& user) { return "user." + user; }

std::string error_text(std::string_view why) { return action_text("error", {{"error", why}}); }

std::string welcome_text(const Gateway& gateway, core::Cursor cursor) {
  return action_text("welcome", {{"node", gateway.name}, {"cursor", core::to_string(cursor)}});
}

// The text at `key`; nullptr if there is none.
const json::string* text_at(const json::value& value, std::string_view key) {
  const json::object* object = value.if_object();
  const json::value* found = object ? object->if_contains(key) : nullptr;
  return found ? found->if_string() : nullptr;
}

// A user of this gateway, while the connection lasts.
class User {
 public:
  User(Gateway& gateway, const std::string& name, Outbox& outbox)
      : gateway_(gateway), name_(name), outbox_(outbox), limit_(gateway.options.rate) {
    ++gateway_.sessions;
  }
  ~User() {
    if (!is_claimed_) return;
    gateway_.users.erase(name_);
    gateway_.registry.release(name_);
  }
  User(const User&) = delete;
  User& operator=(const User&) = delete;

  // Why the user cannot be here; empty: is here now.
  asio::awaitable<std::string> claim() {
    if (!gateway_.users.emplace(name_, &outbox_).second) co_return "not unique session";
    const Registry::Claim claim = co_await gateway_.registry.claim(name_);
    is_claimed_ = claim == Registry::Claim::granted;
    if (is_claimed_) co_return "";
    gateway_.users.erase(name_);
    co_return claim == Registry::Claim::taken ? "not unique session" : "Redis is not reached";
  }

  asio::awaitable<void> take(std::string text) {
    const std::string why_not = co_await handle(text);
    if (!why_not.empty()) outbox_.push(error_text(why_not));
  }

 private:
  // Why it is not done; empty if it is.
  asio::awaitable<std::string> handle(const std::string& text) {
    json::error_code error;
    const json::value message = json::parse(text, error);
    if (error || !message.is_object()) co_return "not a JSON object";
    const json::string* action = text_at(message, "action");
    if (!action || action->empty()) co_return "empty action";
    if (!limit_.allows()) co_return "not sent: too many messages in this second";
    if (*action != "message") co_return "unknown action '" + std::string(*action) + "'";
    const json::value* data = message.as_object().if_contains("data");
    const json::string* to = data ? text_at(*data, "to") : nullptr;
    const json::string* words = data ? text_at(*data, "text") : nullptr;
    if (!to || !words) co_return "a message needs data with 'to' and 'text'";
    co_return co_await send(std::string(*to), *words);
  }

  asio::awaitable<std::string> send(std::string to, const json::string& text) {
    std::optional<bool> is_here = false;
    if (is_user_name(to)) is_here = co_await gateway_.registry.is_here(to);
    if (!is_here) co_return "not sent: Redis is not reached";
    if (!*is_here) co_return "user '" + to + "' not found";
    const json::object message{
        {"from", name_}, {"action", "message"}, {"data", {{"to", to}, {"text", text}}}};
    const auto outcome = co_await gateway_.bus.publish(channel_of(to), json::serialize(message));
    if (!outcome.cursor) co_return std::string(outcome.refusal.text);
    core::add(gateway_.counters.published);
    co_return "";
  }

  Gateway& gateway_;
  const std::string name_;
  Outbox& outbox_;
  RateLimit limit_;
  bool is_claimed_ = false;
};

}  // namespace

bool is_user_name(const std::string& name) {
  return !name.empty() && core::is_channel_name(channel_of(name));
}

asio::awaitable<void> serve_user(Gateway& gateway, Connection& connection, const Request& request,
                                 const std::string& name, std::optional<core::Cursor> since) {
  Waiting waiting(gateway, connection.address());
  const core::Cursor begin = since.value_or(gateway.hub.end());
  User user(gateway, name, waiting.outbox);
  std::optional<ChannelReader> reader;
  const std::string why_not = co_await user.claim();
  if (why_not.empty()) {
    waiting.outbox.push(welcome_text(gateway, begin));
    reader.emplace(gateway.hub, channel_of(name), begin, waiting.outbox, ChannelReader::Form::direct);
  } else {
    waiting.outbox.push(error_text(why_not));
    waiting.outbox.close(kPolicy);
  }
  co_await serve_socket(connection, request, waiting.outbox,
                        [&](std::string text) { return user.take(std::move(text)); });
}

asio::awaitable<void> serve_channel(Gateway& gateway, Connection& connection, const Request& request,
                                    const core::Subscribe& subscribe) {
  Waiting waiting(gateway, connection.address());
  const core::Cursor begin = subscribe.since.value_or(gateway.hub.end());
  waiting.outbox.push(welcome_text(gateway, begin));
  const ChannelReader reader(gateway.hub, subscribe.channel, begin, waiting.outbox,
                             ChannelReader::Form::action);
  co_await serve_socket(
      connection, request, waiting.outbox, [&](const std::string&) -> asio::awaitable<void> {
        waiting.outbox.push(error_text("a channel's socket takes no messages: publish with POST /publish"));
        co_return;
      });
}

}  // namespace comet::gateway
