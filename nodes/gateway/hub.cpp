// See hub.hpp.
#include "nodes/gateway/hub.hpp"

#include <algorithm>
#include <variant>

namespace comet::gateway {

void Hub::handle(const bus::Event& event) {
  if (const auto* entry = std::get_if<bus::Entry>(&event)) return append(*entry);
  if (std::holds_alternative<bus::CaughtUp>(event)) {
    is_open_ = true;
    return;
  }
  // The log begins anew: whatever its receivers have, more may be gone.
  core::Options joined = options_;
  joined.joined = std::get<bus::Begins>(event).cursor;
  end_ = std::max(end_, *joined.joined);
  if (channels_) {
    std::unordered_set<Receiver*> all;
    for (const auto& [pattern, receivers] : receivers_) all.insert(receivers.begin(), receivers.end());
    for (Receiver* receiver : all) receiver->miss();
  }
  channels_ = std::make_unique<Channels>(joined, *joined.joined);
}

void Hub::append(const bus::Entry& entry) {
  end_ = std::max(end_, entry.cursor);
  if (!entry.is_message()) return;
  channels_->publish(channels_->open(entry.channel), entry.body, entry.cursor);
  // Each pattern that the channel is of: a.b, a.*, a.**, **. Each receiver once, whatever it has joined.
  std::unordered_set<Receiver*> found;
  const auto add = [&](const std::string& pattern) {
    const auto receivers = receivers_.find(pattern);
    if (receivers != receivers_.end()) found.insert(receivers->second.begin(), receivers->second.end());
  };
  add(entry.channel);
  const std::size_t last_dot = entry.channel.rfind('.');
  add(last_dot == std::string::npos ? "*" : entry.channel.substr(0, last_dot) + ".*");
  for (std::size_t dot = last_dot; dot != std::string::npos && dot > 0;
       dot = entry.channel.rfind('.', dot - 1)) {
    add(entry.channel.substr(0, dot) + ".**");
  }
  add("**");
  const ChannelMessage message(entry.channel, entry.cursor, entry.body);
  for (Receiver* receiver : found) receiver->take(message);
}

void Hub::leave(const std::string& pattern, Receiver& receiver) {
  const auto found = receivers_.find(pattern);
  if (found == receivers_.end()) return;
  found->second.erase(&receiver);
  if (found->second.empty()) receivers_.erase(found);
}

void Hub::replay(const std::string& channel, core::Cursor since, Receiver& receiver) {
  if (!channels_) return;
  Channels::Channel& opened = channels_->open(channel);
  for (auto found = opened.log.first_after(since, true); true; found = opened.log.first_after(since, true)) {
    if (found.missed) receiver.miss();
    if (!found.message) break;
    since = found.message->cursor;
    const std::string_view response = *found.message->response;
    receiver.take({channel, since, response.substr(found.message->head_size)});
  }
  channels_->close_if_unused(opened);
}

}  // namespace comet::gateway
