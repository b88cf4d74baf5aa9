// See gateway.hpp.
#include "nodes/gateway/gateway.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "nodes/common/names.hpp"
#include "patterns/common/startup.hpp"

namespace comet::gateway {
namespace {

namespace json = boost::json;

constexpr std::size_t kUnsent = std::size_t{1} << 20;

}  // namespace

Gateway::Gateway(asio::io_context& io_loop, const GatewayOptions& given)
    : loop(io_loop),
      options(given),
      name(nodes::random_name()),
      started(core::unix_milliseconds()),
      most_waiting(common::held_limit(given.http)),
      service{given.http, [this] { return core::read_stats(counters, "gateway", started); }, &counters},
      hub(options.http),
      bus(loop, options.redis, options.most, name,
          [this](const bus::Event& event) -> asio::awaitable<void> {
            hub.handle(event);
            co_return;
          }),
      registry(loop, options.redis, name, options.heartbeat,
               [this](const std::string& user) { lose(user); }) {
  service.is_ready = [this] { return hub.is_open() && bus.is_ready(); };
}

std::string Gateway::stats() const {
  json::object stats = json::parse(core::stats_json(service.read_stats())).as_object();
  stats["node"] = name;
  stats["channels"] = hub.channels();
  stats["sessions"] = sessions;
  stats["active"] = users.size();
  stats["nodes"] = registry.nodes();
  stats["bayeux"] = bayeux_sessions;
  return json::serialize(stats) + '\n';
}

std::string Gateway::user_list() const {
  const std::set<std::string>& names = registry.users();
  return json::serialize(json::array(names.begin(), names.end())) + '\n';
}

// The user came to another gateway while this one did not reach Redis.
void Gateway::lose(const std::string& user) {
  const auto found = users.find(user);
  if (found == users.end()) return;
  found->second->push(action_text("error", {{"error", "not unique session"}}));
  found->second->close(kPolicy);
}

std::size_t Gateway::most_unsent() const { return std::max(kUnsent, 2 * options.http.max_message); }

std::optional<core::Refusal> Waiting::refuse(const Gateway& gateway, const std::string& address) {
  if (!gateway.hub.is_open()) return core::Refusal{503, "the gateway has not read the messages yet"};
  if (gateway.outboxes.size() >= gateway.most_waiting)
    return core::Refusal{503, "too many clients wait here"};
  const auto found = gateway.waiting.find(address);
  const std::size_t most = gateway.options.most_per_client;
  if (most > 0 && found != gateway.waiting.end() && found->second >= most) {
    return core::Refusal{503, "too many clients of this address wait here"};
  }
  return std::nullopt;
}

Waiting::Waiting(Gateway& gateway, const std::string& address)
    : outbox(gateway.loop.get_executor(), gateway.most_unsent()), gateway_(gateway), address_(address) {
  gateway_.outboxes.insert(&outbox);
  ++gateway_.waiting[address_];
  core::add(gateway_.counters.held);
}

Waiting::~Waiting() {
  gateway_.outboxes.erase(&outbox);
  const auto found = gateway_.waiting.find(address_);
  if (--found->second == 0) gateway_.waiting.erase(found);
  core::subtract(gateway_.counters.held);
}

ChannelReader::ChannelReader(Hub& hub, const std::string& channel, core::Cursor since, Outbox& outbox,
                             Form form)
    : hub_(hub), channel_(channel), after_(since), outbox_(outbox), form_(form) {
  hub_.replay(channel_, since, *this);
  hub_.join(channel_, *this);
}

void ChannelReader::take(const ChannelMessage& message) {
  if (message.cursor() <= after_) return;
  after_ = message.cursor();
  const Text& text = form_ == Form::event    ? message.as_event()
                     : form_ == Form::direct ? message.as_direct()
                                             : message.as_action();
  if (text) outbox_.push(text);
}

void ChannelReader::miss() {
  outbox_.push(form_ == Form::event ? event_text("missed", "", "messages may have been missed")
                                    : action_text("missed", {{"channel", channel_}}));
}

}  // namespace comet::gateway
