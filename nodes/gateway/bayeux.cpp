// See bayeux.hpp.
#include "nodes/gateway/bayeux.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "nodes/common/names.hpp"
#include "nodes/gateway/parameters.hpp"
#include "nodes/gateway/socket.hpp"

namespace comet::gateway {
namespace {

namespace json = boost::json;

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found && found->is_string() ? std::string(found->get_string()) : "";
}

const json::object* object_at(const json::object& object, std::string_view key) {
  const json::value* found = object.if_contains(key);
  return found ? found->if_object() : nullptr;
}

// The answer to a message, so far.
json::object reply_to(const json::object& message, bool successful) {
  json::object reply{{"channel", text_at(message, "channel")}, {"successful", successful}};
  for (const char* key : {"id", "clientId"}) {
    if (const json::value* value = message.if_contains(key)) reply[key] = *value;
  }
  return reply;
}

// `error`: CODE:WHAT:WHY.
json::object error_to(const json::object& message, const std::string& error) {
  json::object reply = reply_to(message, false);
  reply["error"] = error;
  return reply;
}

json::object unknown_client(const json::object& message) {
  json::object reply = error_to(message, "402:" + text_at(message, "clientId") + ":Unknown client");
  reply["advice"] = {{"reconnect", "handshake"}, {"interval", 0}};
  return reply;
}

std::string join(const std::vector<std::string>& texts) {
  std::string all = "[";
  for (const std::string& text : texts) all.append(all.size() > 1 ? "," : "").append(text);
  return all + "]";
}

// A message or an array of them; nullopt: it is neither.
std::optional<json::array> messages_of(std::string_view text) {
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  if (!error && value.is_object()) return json::array{std::move(value)};
  if (!error && value.is_array()) return std::move(value.as_array());
  return std::nullopt;
}

// A form's field `message`, or the body as it is.
std::string body_of(const core::HttpRequest& request) {
  if (request.body_type != core::BodyType::form) return request.body;
  const std::string text = "/?" + request.body;
  const auto target = core::parse_target(text);
  return target ? parameter(*target, "message").value_or("") : "";
}

}  // namespace

void Bayeux::start() { asio::co_spawn(gateway_.loop, expire(), nodes::fail_if_any); }

void Bayeux::stop() {
  for (const auto& [id, session] : sessions_) session->outbox.close();
  sessions_.clear();
}

// Clients that have not been heard of for three heartbeats, and whose connect does not wait.
asio::awaitable<void> Bayeux::expire() {
  asio::steady_timer timer(gateway_.loop);
  while (true) {
    timer.expires_after(gateway_.options.heartbeat);
    co_await timer.async_wait(asio::use_awaitable);
    const auto oldest = Outbox::Clock::now() - gateway_.options.three_beats();
    std::erase_if(sessions_, [oldest](const auto& named) {
      const BayeuxSession& session = *named.second;
      return session.held == 0 && (session.heard < oldest || session.outbox.is_closed());
    });
  }
}

asio::awaitable<core::Response> Bayeux::serve_post(Connection& connection, const Request& request) {
  auto messages = messages_of(body_of(request.http));
  if (!messages)
    co_return gateway_.service.refuse({400, "the body is no Bayeux message in JSON"}, request.form);
  Answer answer = co_await handle(*std::move(messages), connection.address());
  if (answer.held) {
    const Waiting waiting(gateway_, connection.address());
    const SessionPtr session = answer.held;
    ++session->held;
    using asio::experimental::awaitable_operators::operator||;
    const auto ended = co_await (session->outbox.wait(answer.until) || connection.until_gone());
    --session->held;
    session->heard = Outbox::Clock::now();
    // What waits for a client that has gone stays there for its next connect.
    if (ended.index() == 1)
      co_return core::closing(gateway_.service.refuse({400, "the client has gone"}, request.form));
    finish(answer);
  }
  co_return core::page_response("application/json", join(answer.replies), request.form);
}

asio::awaitable<void> Bayeux::serve_socket(Connection& connection, const Request& request) {
  const auto waiting = std::make_shared<Waiting>(gateway_, connection.address());
  SessionPtr last;
  const auto take = [&](std::string text) -> asio::awaitable<void> {
    auto messages = messages_of(text);
    if (!messages) co_return waiting->outbox.close(kPolicy);
    Answer answer = co_await handle(*std::move(messages), connection.address());
    if (answer.last) last = answer.last;
    if (!answer.held) co_return waiting->outbox.push(join(answer.replies));
    asio::co_spawn(gateway_.loop, hold(std::move(answer), waiting), nodes::fail_if_any);
  };
  co_await gateway::serve_socket(connection, request, waiting->outbox, take);
  if (last) last->outbox.release();
}

// A connect on a WebSocket, which goes on meanwhile.
asio::awaitable<void> Bayeux::hold(Answer answer, std::shared_ptr<Waiting> socket) {
  const SessionPtr session = answer.held;
  if (!answer.replies.empty()) socket->outbox.push(join(std::exchange(answer.replies, {})));
  ++session->held;
  co_await session->outbox.wait(answer.until);
  --session->held;
  session->heard = Outbox::Clock::now();
  if (socket->outbox.is_closed()) co_return;
  finish(answer);
  socket->outbox.push(join(answer.replies));
}

void Bayeux::finish(Answer& answer) {
  BayeuxSession& session = *answer.held;
  if (session.outbox.is_closed() || !sessions_.contains(session.id)) {
    answer.replies.push_back(json::serialize(unknown_client(answer.connect)));
    sessions_.erase(session.id);
    return;
  }
  const auto texts = session.outbox.take_all();
  core::add(gateway_.counters.delivered, texts.size());
  for (const Text& text : texts) answer.replies.push_back(*text);
  json::object reply = reply_to(answer.connect, true);
  reply["advice"] = {
      {"reconnect", "retry"}, {"interval", 0}, {"timeout", gateway_.options.http.hold_timeout.count()}};
  if (std::exchange(session.missed, false)) reply["ext"] = {{"missed", true}};
  answer.replies.push_back(json::serialize(reply));
}

asio::awaitable<Bayeux::Answer> Bayeux::handle(json::array messages, std::string address) {
  Answer answer;
  for (const json::value& value : messages) {
    if (!value.is_object()) {
      answer.replies.push_back(json::serialize(error_to({}, "400::A message is an object")));
      continue;
    }
    const json::object& message = value.get_object();
    const std::string channel = text_at(message, "channel");
    json::object reply;
    const auto found = sessions_.find(text_at(message, "clientId"));
    if (channel == "/meta/handshake") {
      reply = shake_hands(message, address);
    } else if (found == sessions_.end()) {
      reply = unknown_client(message);
    } else {
      const SessionPtr session = answer.last = found->second;
      session->heard = Outbox::Clock::now();
      if (channel == "/meta/connect" && !answer.held) {
        connect(message, session, answer);
        continue;
      }
      if (channel == "/meta/subscribe" || channel == "/meta/unsubscribe") {
        reply = subscribe(message, *session, channel == "/meta/unsubscribe");
      } else if (channel == "/meta/disconnect") {
        sessions_.erase(session->id);
        session->outbox.close();
        reply = reply_to(message, true);
      } else {
        reply = co_await publish(message, *session);
      }
    }
    answer.replies.push_back(json::serialize(reply));
  }
  co_return answer;
}

json::object Bayeux::shake_hands(const json::object& message, const std::string& address) {
  const auto refusal = Waiting::refuse(gateway_, address);
  if (refusal || sessions_.size() >= gateway_.most_waiting) {
    json::object reply =
        error_to(message, "503::" + std::string(refusal ? refusal->text : "Too many clients"));
    reply["advice"] = {{"reconnect", "handshake"}, {"interval", 1000}};
    return reply;
  }
  const std::string id = nodes::random_name();
  sessions_.emplace(id, std::make_shared<BayeuxSession>(gateway_, id));
  json::object reply = reply_to(message, true);
  reply["version"] = "1.0";
  reply["supportedConnectionTypes"] = {"websocket", "long-polling"};
  reply["clientId"] = id;
  reply["advice"] = {
      {"reconnect", "retry"}, {"interval", 0}, {"timeout", gateway_.options.http.hold_timeout.count()}};
  reply["ext"] = {{"node", gateway_.name}, {"cursor", core::to_string(gateway_.hub.end())}};
  return reply;
}

// It waits for as long as its client asks, if that is less than --hold-timeout; a client asks for 0 ms first.
void Bayeux::connect(const json::object& message, const SessionPtr& session, Answer& answer) {
  core::Milliseconds hold = gateway_.options.http.hold_timeout;
  const json::object* advice = object_at(message, "advice");
  const json::value* timeout = advice ? advice->if_contains("timeout") : nullptr;
  if (timeout && timeout->is_int64() && timeout->get_int64() >= 0) {
    hold = std::min(hold, core::Milliseconds(timeout->get_int64()));
  }
  answer.held = session;
  answer.connect = message;
  answer.until = Outbox::Clock::now() + hold;
}

json::object Bayeux::subscribe(const json::object& message, BayeuxSession& session, bool leaves) {
  const json::value* given = message.if_contains("subscription");
  const json::array names = !given              ? json::array{}
                            : given->is_array() ? given->get_array()
                                                : json::array{*given};
  const json::object* ext = object_at(message, "ext");
  const auto since = ext ? core::parse_cursor(text_at(*ext, "since")) : std::nullopt;
  json::object reply = reply_to(message, !names.empty());
  if (given) reply["subscription"] = *given;
  for (const json::value& name : names) {
    const auto pattern = name.is_string() ? stream_channel(name.get_string(), true) : std::nullopt;
    const bool is_exact = pattern && stream_channel(name.get_string());
    if (pattern && leaves) session.unsubscribe(*pattern);
    if (pattern && (leaves || session.subscribe(*pattern, is_exact ? since : std::nullopt))) continue;
    reply["successful"] = false;
    reply["error"] = (pattern ? "403:" : "405:") + json::serialize(name) +
                     (pattern ? ":Too many subscriptions" : ":Invalid channel");
  }
  return reply;
}

asio::awaitable<json::object> Bayeux::publish(const json::object& message, BayeuxSession& session) {
  const std::string name = text_at(message, "channel");
  const auto channel = stream_channel(name);
  const json::value* data = message.if_contains("data");
  if (name.starts_with("/service/"))
    co_return reply_to(message, true);  // for a server alone, which does nothing
  if (!channel || name.starts_with("/meta/")) co_return error_to(message, "405:" + name + ":Invalid channel");
  if (!data) co_return error_to(message, "400:" + name + ":No data");
  if (!session.limit.allows())
    co_return error_to(message, "429:" + name + ":Too many messages in this second");
  std::string body = json::serialize(*data);
  if (body.size() > gateway_.options.http.max_message)
    co_return error_to(message, "413:" + name + ":Too large");
  const auto outcome = co_await gateway_.bus.publish(*channel, std::move(body));
  if (!outcome.cursor) co_return error_to(message, "503:" + name + ":" + std::string(outcome.refusal.text));
  core::add(gateway_.counters.published);
  co_return reply_to(message, true);
}

}  // namespace comet::gateway
