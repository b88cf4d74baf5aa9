// See stream_reader.hpp.
#include "bus/stream_reader.hpp"

#include <algorithm>
#include <utility>

#include "bus/script.hpp"

namespace comet::bus {
namespace {

constexpr std::string_view kEntriesAtOnce = "500";

}  // namespace

std::string StreamReader::connect(const std::string& new_epoch) {
  state_ = State::opening;
  return open_command({seen_, new_epoch, most_});
}

StreamReader::Step StreamReader::take(const Reply& reply) {
  if (reply.kind == Reply::Kind::error) throw WireError(reply.text);
  if (state_ == State::opening) {
    if (reply.items.size() != 2) throw WireError("Redis answers the opening with something else");
    if (epoch_ != reply.items[0].text) return begin();
    return {read_on(State::catching_up), {}};
  }
  Step step;
  if (state_ == State::beginning) {
    const std::vector<Entry> first = entries_of(reply);
    if (first.empty()) throw WireError("the stream is empty: it was deleted meanwhile");
    note(first.front());
    step.events.push_back(Begins{position_});
    step.command = read_on(State::catching_up);
    return step;
  }
  std::vector<Entry> entries = read_entries_of(reply);
  if (entries.empty()) {
    step.events.push_back(CaughtUp{});
    step.command = read_on(State::following);
    return step;
  }
  for (Entry& entry : entries) {
    if (!follows(entry)) {
      seen_ = std::max(seen_, entry.cursor);
      step.command = begin().command;
      return step;
    }
    note(entry);
    step.events.emplace_back(std::move(entry));
  }
  step.command = read_on(state_);
  return step;
}

// From the first entry that the stream still has. That entry's own message is left out: who has not seen it has
// missed others too, perhaps, and is told so.
StreamReader::Step StreamReader::begin() {
  state_ = State::beginning;
  epoch_.clear();
  return {format_command({"XRANGE", kStream, "-", "+", "COUNT", "1"}), {}};
}

// Always behind a known entry, never behind "$", the end that the stream happens to have.
std::string StreamReader::read_on(State state) {
  state_ = state;
  const std::string position = core::to_string(position_);
  if (state == State::catching_up) {
    return format_command({"XREAD", "COUNT", kEntriesAtOnce, "STREAMS", kStream, position});
  }
  return format_command({"XREAD", "COUNT", kEntriesAtOnce, "BLOCK", block_, "STREAMS", kStream, position});
}

void StreamReader::note(const Entry& entry) {
  epoch_ = entry.epoch;
  n_ = entry.n;
  position_ = entry.cursor;
  seen_ = std::max(seen_, entry.cursor);
}

}  // namespace comet::bus
