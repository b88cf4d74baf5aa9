// From replies to entries.
#include "bus/entry.hpp"

#include "core/routes.hpp"
#include "core/whole_number.hpp"

namespace comet::bus {
namespace {

const std::vector<Reply>& items_of(const Reply& reply, std::size_t least) {
  if (reply.kind == Reply::Kind::error) throw WireError(reply.text);
  if (reply.kind != Reply::Kind::array || reply.items.size() < least) {
    throw WireError("Redis answers with something that is no stream");
  }
  return reply.items;
}

Entry entry_of(const Reply& reply) {
  const std::vector<Reply>& parts = items_of(reply, 2);
  Entry entry;
  const auto cursor = core::parse_cursor(parts[0].text);
  if (!cursor) throw WireError("an entry of the stream has no ID: '" + parts[0].text + "'");
  entry.cursor = *cursor;
  const std::vector<Reply>& fields = items_of(parts[1], 4);
  bool has_n = false;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string& name = fields[i].text;
    const std::string& value = fields[i + 1].text;
    if (name == "n") {
      const auto n = core::parse_whole_number(value);
      has_n = n.has_value();
      entry.n = n.value_or(0);
    } else if (name == "epoch") {
      entry.epoch = value;
    } else if (name == "channel") {
      entry.channel = value;
    } else if (name == "origin") {
      entry.origin = value;
    } else if (name == "body") {
      entry.body = value;
    }
  }
  if (!has_n || entry.epoch.empty() || entry.is_message() != core::is_channel_name(entry.channel)) {
    throw WireError("entry " + parts[0].text + " of the stream was written by something else");
  }
  return entry;
}

}  // namespace

std::vector<Entry> entries_of(const Reply& reply) {
  std::vector<Entry> entries;
  for (const Reply& item : items_of(reply, 0)) entries.push_back(entry_of(item));
  return entries;
}

std::vector<Entry> read_entries_of(const Reply& reply) {
  if (reply.kind == Reply::Kind::nil) return {};
  const std::vector<Reply>& stream = items_of(items_of(reply, 1)[0], 2);
  return entries_of(stream[1]);
}

}  // namespace comet::bus
