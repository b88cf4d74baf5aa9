// Model: prefork. A publish, and the search for the first message after a cursor.
// Owner of a connection: not this file; the log is the publisher's that has the lock.
// Runs on: all processes.
// Wakes a held request: nothing here.
#include "patterns/prefork/log/shared_log.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <string>
#include <utility>

namespace comet::prefork {

SharedLog::SharedLog(const Limits& limits, Cursor begin)
    : history_(limits.history),
      idle_seconds_(limits.idle_seconds),
      joined_(limits.joined),
      shared_(new (map_shared(sizeof(Shared))) Shared{}),
      table_(limits.channels, begin),
      ring_(limits.bytes) {}

std::optional<SharedLog::Published> SharedLog::publish(Channel& channel, std::string_view body,
                                                       Cursor cursor) {
  const std::lock_guard lock(shared_->publishers);
  const bool is_given = cursor != Cursor{};
  if (is_given && cursor <= table_.read(channel).newest.cursor) return std::nullopt;
  table_.open(channel);
  const Newest previous = table_.read(channel).newest;
  if (!is_given) cursor = next_cursor(previous.cursor, unix_milliseconds());
  const std::uint64_t number = shared_->published;
  Record record{cursor, previous.place, previous.cursor, 0, 0};
  const std::string response = encode_message(cursor, body, idle_seconds_, record.head_size);
  record.size = response.size();
  const std::uint64_t place = ring_.write(record, response);
  table_.commit(channel, {cursor, place, number + 1});
  shared_->published = number + 1;
  return Published{cursor, number, previous.next_number};
}

SharedLog::Found SharedLog::first_after(Channel& channel, std::optional<Cursor> since) const {
  while (true) {
    if (auto found = try_first_after(channel, since)) return *std::move(found);
  }
}

// nullopt: the message was overwritten before it had been copied. A cursor ahead of the log is of another
// log, and is answered like one that is too old: from the oldest message, with the gap told. If the server is
// joined, the log has not reached it yet.
std::optional<SharedLog::Found> SharedLog::try_first_after(Channel& channel,
                                                           std::optional<Cursor> since) const {
  const auto [count, newest] = table_.read(channel);
  Found found{{}, false, newest.cursor};
  if (!since || *since == found.last) return found;
  // Where the log begins is known only after the walk: here only a cursor ahead of it counts as a gap.
  const auto [after, ahead] = resume_point(*since, Cursor{}, found.last, joined_);
  if (after > found.last) found.last = after;

  std::optional<std::uint64_t>
      first;  // the place of the first message after the cursor, as far as we have gone back
  Cursor before = newest.cursor;  // of the message before that
  std::uint64_t place = newest.place;
  for (std::uint64_t left = std::min<std::uint64_t>(count, history_); left > 0 && before > after; --left) {
    const auto record = ring_.read(place);
    if (!record) break;
    first = std::exchange(place, record->previous);
    before = record->previous_cursor;
  }
  found.missed = ahead || (before > after && after != Cursor{});
  if (!first) return found;
  found.message = ring_.read_message(*first);
  if (!found.message) return std::nullopt;
  return found;
}

}  // namespace comet::prefork
