// The retained messages of one channel, oldest first. Plain data with a single owner: each pattern guards it
// its own way.
#pragma once

#include <cstddef>
#include <deque>
#include <string_view>

#include "core/cursor.hpp"
#include "core/response.hpp"

namespace comet::core {

class ChannelLog {
 public:
  // `begin` lies before the first message that this log will hold: the server's start, or the last message
  // forgotten.
  explicit ChannelLog(Cursor begin) : begin_(begin), last_(begin) {}

  // The new message, with a cursor greater than every earlier one.
  const Message& append(std::string_view body, std::uint64_t now_milliseconds);
  // Forgets the oldest message; the log must not be empty.
  void drop_oldest();

  struct Found {
    const Message*
        message;  // null: nothing yet, the request may be held; valid until the next append or drop
    bool missed;  // messages between the cursor and what comes next may be gone: the answer must say so
  };
  // The first message after `since`. Cursor 0 asks for the oldest and so misses nothing. A cursor beyond the
  // end cannot be of this log: it counts as a gap, and the next message ends it.
  Found first_after(Cursor since) const;

  Cursor last() const { return last_; }  // of the newest message, or the beginning
  std::size_t size() const { return messages_.size(); }
  std::size_t bytes() const { return bytes_; }  // of the responses retained

 private:
  std::deque<Message> messages_;
  std::size_t bytes_ = 0;
  Cursor begin_;  // nothing at or before it is retained
  Cursor last_;
};

}  // namespace comet::core
