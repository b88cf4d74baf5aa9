// See events.hpp.
#include "nodes/gateway/events.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace comet::gateway {
namespace {

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Accel-Buffering: "
    "no\r\n"
    "Connection: close\r\n";
constexpr std::string_view kComment =
    ":\n\n";  // so that nobody on the way takes the connection for a dead one
constexpr std::string_view kRetry = "retry: 1000\n";  // ms, after which EventSource comes back

// Returns when the outbox is closed.
asio::awaitable<void> send_events(Gateway& gateway, Connection& connection, Outbox& outbox) {
  while (true) {
    co_await outbox.wait(Outbox::Clock::now() + gateway.options.three_beats());
    if (outbox.empty() && outbox.is_closed()) co_return;
    const auto texts = outbox.take_all();
    std::string bytes;
    for (const Text& text : texts) bytes += *text;
    if (bytes.empty()) bytes = kComment;
    co_await connection.write(bytes);
    core::add(gateway.counters.delivered, texts.size());
  }
}

}  // namespace

asio::awaitable<void> serve_events(Gateway& gateway, Connection& connection, const Request& request,
                                   const core::Subscribe& subscribe) {
  std::string head = std::string(kHead) + request.headers_for_page() + "\r\n";
  if (request.form.head_only) co_return co_await connection.write(head);
  Waiting waiting(gateway, connection.address());
  // It has a cursor from the beginning: whoever loses the connection before the first message misses none.
  const core::Cursor begin = subscribe.since.value_or(gateway.hub.end());
  const boost::json::object welcome{{"node", gateway.name}, {"cursor", core::to_string(begin)}};
  head.append(kRetry) += event_text("welcome", core::to_string(begin), boost::json::serialize(welcome));
  const ChannelReader reader(gateway.hub, subscribe.channel, begin, waiting.outbox,
                             ChannelReader::Form::event);
  co_await connection.write(head);
  using asio::experimental::awaitable_operators::operator||;
  co_await (send_events(gateway, connection, waiting.outbox) || connection.until_gone());
}

}  // namespace comet::gateway
