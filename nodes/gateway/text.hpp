// Messages as each kind of client is sent them. A message is bytes; what is sent here must be UTF-8.
#pragma once

#include <array>
#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/cursor.hpp"
#include "nodes/gateway/outbox.hpp"

namespace comet::gateway {

// With U+FFFD, the replacement character, for what is no UTF-8, as browsers do it.
std::string to_utf8(std::string_view bytes);

// An event of SSE. Its data ends at each CR, LF or CRLF, and goes on in a line of its own.
std::string event_text(std::string_view name, std::string_view id, std::string_view data);

// {"action":NAME,"data":DATA}: what WebSocket clients are sent.
std::string action_text(std::string_view name, boost::json::object data);

// Bayeux' channel /a/b is the stream's a.b. nullopt: it has characters or parts that the stream's have not, or is
// too long. `pattern`: its last part may be * or **.
std::optional<std::string> stream_channel(std::string_view bayeux_channel, bool pattern = false);
// nullopt: it has an empty part, and so no place in Bayeux.
std::optional<std::string> bayeux_channel(std::string_view stream_channel);

// One message of a channel, written for each kind of client once.
class ChannelMessage {
 public:
  ChannelMessage(std::string channel, core::Cursor cursor, std::string_view body)
      : channel_(std::move(channel)), cursor_(cursor), body_(body) {}

  const std::string& channel() const { return channel_; }
  core::Cursor cursor() const { return cursor_; }
  const std::string& body() const { return body_; }

  const Text& as_event() const;   // of SSE
  const Text& as_action() const;  // for a WebSocket that reads the channel
  const Text& as_direct() const;  // for a user: null if it is no message for one
  const Text& as_bayeux() const;  // null if its channel has no name in Bayeux

 private:
  template <class Write>
  const Text& once(std::size_t form, Write write) const;

  std::string channel_;
  core::Cursor cursor_;
  std::string body_;
  mutable std::array<std::optional<Text>, 4> written_;
};

}  // namespace comet::gateway
