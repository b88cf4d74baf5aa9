// See text.hpp.
#include "nodes/gateway/text.hpp"

#include <algorithm>

#include "core/routes.hpp"

namespace comet::gateway {
namespace {

namespace json = boost::json;

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Bytes of the character that `bytes` begins with; negative: so many that begin one and do not go on.
// The table of well-formed sequences in the Unicode Standard, chapter 3.9.
int character_size(std::string_view bytes) {
  const auto at = [bytes](std::size_t i) {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return -1;
  const int size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned least = 0x80, most = 0xBF;  // of the second byte
  if (lead == 0xE0) least = 0xA0;
  if (lead == 0xED) most = 0x9F;
  if (lead == 0xF0) least = 0x90;
  if (lead == 0xF4) most = 0x8F;
  for (int i = 1; i < size; ++i, least = 0x80, most = 0xBF) {
    const unsigned byte = at(static_cast<std::size_t>(i));
    if (byte < least || byte > most) return -i;
  }
  return size;
}

bool is_part_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

std::string to_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const int size = character_size(bytes);
    const auto taken = static_cast<std::size_t>(size > 0 ? size : -size);
    text += size > 0 ? bytes.substr(0, taken) : kReplacement;
    bytes.remove_prefix(taken);
  }
  return text;
}

std::string event_text(std::string_view name, std::string_view id, std::string_view data) {
  std::string text;
  if (!name.empty()) text.append("event: ").append(name) += '\n';
  if (!id.empty()) text.append("id: ").append(id) += '\n';
  while (true) {
    const std::size_t end = std::min(data.find_first_of("\r\n"), data.size());
    text.append("data: ").append(data.substr(0, end)) += '\n';
    if (end == data.size()) return text += '\n';
    data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

std::string action_text(std::string_view name, json::object data) {
  return json::serialize(json::object{{"action", name}, {"data", std::move(data)}});
}

std::optional<std::string> stream_channel(std::string_view bayeux_channel, bool pattern) {
  if (!bayeux_channel.starts_with('/')) return std::nullopt;
  std::string_view exact = bayeux_channel.substr(1), wild;
  if (pattern && (exact == "*" || exact == "**")) return std::string(exact);
  for (const std::string_view ending : {"/**", "/*"}) {
    if (pattern && wild.empty() && exact.ends_with(ending)) {
      exact.remove_suffix(ending.size());
      wild = ending;
    }
  }
  std::string name(exact);
  if (std::any_of(name.begin(), name.end(), [](char c) { return c != '/' && !is_part_character(c); }) ||
      name.starts_with('/') || name.ends_with('/') || name.find("//") != std::string::npos) {
    return std::nullopt;
  }
  std::replace(name.begin(), name.end(), '/', '.');
  if (!core::is_channel_name(name)) return std::nullopt;
  if (!wild.empty()) name.append(".").append(wild.substr(1));
  return name;
}

std::optional<std::string> bayeux_channel(std::string_view stream_channel) {
  std::string name(1, '/');
  name += stream_channel;
  std::replace(name.begin(), name.end(), '.', '/');
  if (name.ends_with('/') || name.find("//") != std::string::npos) return std::nullopt;
  return name;
}

template <class Write>
const Text& ChannelMessage::once(std::size_t form, Write write) const {
  if (!written_[form]) {
    std::optional<std::string> text = write();
    written_[form] = text ? std::make_shared<const std::string>(*std::move(text)) : nullptr;
  }
  return *written_[form];
}

const Text& ChannelMessage::as_event() const {
  return once(0, [this] { return std::optional(event_text("", core::to_string(cursor_), to_utf8(body_))); });
}

const Text& ChannelMessage::as_action() const {
  return once(1, [this] {
    json::object data{{"channel", channel_}, {"cursor", core::to_string(cursor_)}, {"text", to_utf8(body_)}};
    return std::optional(action_text("message", std::move(data)));
  });
}

const Text& ChannelMessage::as_direct() const {
  return once(2, [this]() -> std::optional<std::string> {
    json::error_code error;
    json::value message = json::parse(body_, error);
    if (error || !message.is_object()) return std::nullopt;
    message.as_object()["cursor"] = core::to_string(cursor_);
    return json::serialize(message);
  });
}

const Text& ChannelMessage::as_bayeux() const {
  return once(3, [this]() -> std::optional<std::string> {
    const auto name = bayeux_channel(channel_);
    if (!name) return std::nullopt;
    json::error_code error;
    json::value data = json::parse(body_, error);
    if (error) data = json::string(to_utf8(body_));
    return json::serialize(json::object{
        {"channel", *name}, {"data", std::move(data)}, {"ext", {{"cursor", core::to_string(cursor_)}}}});
  });
}

}  // namespace comet::gateway
