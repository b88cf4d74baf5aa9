// See relay.hpp.
#include "nodes/relay/relay.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <variant>

#include "nodes/common/names.hpp"

namespace comet::relay {
namespace {

using nodes::Clock;

constexpr std::chrono::milliseconds kNodeTime{500};  // for the relay's own node to get what was published

}  // namespace

Relay::Relay(asio::io_context& loop, const RelayOptions& options)
    : loop_(loop),
      bus_(loop, options.redis, options.most, nodes::random_name(),
           [this](const bus::Event& event) { return handle(event); }),
      node_(loop, options.node, options.node_timeout,
            [this] {
              nodes::say("the node has ended");
              bus_.begin_anew();  // and so does the node
            }),
      brought_(loop, Clock::time_point::max()) {}

asio::awaitable<void> Relay::stop() {
  co_await bus_.stop();
  co_await node_.stop();
}

// Throws NodeError: what the node did not take is read anew, by a node that begins anew.
asio::awaitable<void> Relay::handle(const bus::Event& event) {
  if (const auto* begins = std::get_if<bus::Begins>(&event)) {
    co_await node_.stop();
    co_await node_.start(begins->cursor);
    node_has_ = begins->cursor;
  } else if (const auto* entry = std::get_if<bus::Entry>(&event)) {
    co_await node_.publish(*entry);
    node_has_ = entry->cursor;
    brought_.cancel();
  }
}

asio::awaitable<bus::Publisher::Outcome> Relay::publish(const core::Publish& message) {
  bus::Publisher::Outcome outcome = co_await bus_.publish(message.channel, message.body);
  if (outcome.cursor) co_await wait_for_node(*outcome.cursor);
  co_return outcome;
}

// So that a poll at this relay's node sees what was published here before. A node that does not work costs the
// publisher kNodeTime, and nothing else: the message is in the stream.
asio::awaitable<void> Relay::wait_for_node(core::Cursor cursor) {
  asio::steady_timer limit(loop_, kNodeTime);
  limit.async_wait([this](const boost::system::error_code& lifted) {
    if (!lifted) brought_.cancel();
  });
  while (is_ready() && node_has_ < cursor && limit.expiry() > Clock::now()) {
    boost::system::error_code cancelled;  // by a message, or by the limit of whoever waits
    co_await brought_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
}

}  // namespace comet::relay
