// Append, and the search for the first message after a cursor.
#include "core/channel_log.hpp"

#include <algorithm>

namespace comet::core {

const Message& ChannelLog::append(Cursor cursor, std::string_view body, std::uint32_t idle_seconds) {
  // What may run out of memory comes first: then nothing has changed.
  const Message& message = messages_.emplace_back(make_message(cursor, body, idle_seconds));
  last_ = message.cursor;
  bytes_ += message.response->size();
  return message;
}

void ChannelLog::drop_oldest() {
  begin_ = messages_.front().cursor;
  bytes_ -= messages_.front().response->size();
  messages_.pop_front();
}

ChannelLog::Found ChannelLog::first_after(Cursor since, bool joined) const {
  const auto [after, missed] = resume_point(since, begin_, last_, joined);
  const auto found =
      std::upper_bound(messages_.begin(), messages_.end(), after,
                       [](Cursor cursor, const Message& message) { return cursor < message.cursor; });
  return {found == messages_.end() ? nullptr : &*found, missed, std::max(last_, after)};
}

}  // namespace comet::core
