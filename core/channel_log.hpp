// The retained messages of one channel, oldest first. Plain data with a single owner: each pattern guards it
// its own way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

#include "core/cursor.hpp"
#include "core/response.hpp"

namespace comet::core {

// Where a poll goes on in a log.
struct ResumePoint {
  Cursor after;  // with the first message after this one; 0: with the oldest
  bool missed;   // messages before that may be gone: the answer must say so
};

// For a client that has seen `since`, in a log that retains the messages after `begin`, up to `last`. A
// cursor newer than `last` is of another log, from before the clock was set back perhaps, and is treated like
// one that is too old: nothing retained is passed over. But a server that is joined to others may merely not
// have heard of that message yet: there the poll goes on after it, and messages up to it are passed over.
inline ResumePoint resume_point(Cursor since, Cursor begin, Cursor last, bool joined = false) {
  const bool missed = since != Cursor{} && (since < begin || (since > last && !joined));
  return {missed ? Cursor{} : since, missed};
}

class ChannelLog {
 public:
  // `begin` lies before the first message that this log will hold: the server's start, or the last
  // message forgotten.
  explicit ChannelLog(Cursor begin) : begin_(begin), last_(begin) {}

  // The new message; its cursor must be greater than last(). `idle_seconds` as in ReplyForm.
  const Message& append(Cursor cursor, std::string_view body, std::uint32_t idle_seconds = 0);
  // The same with the log's own next cursor.
  const Message& append(std::string_view body, std::uint64_t now_milliseconds,
                        std::uint32_t idle_seconds = 0) {
    return append(next_cursor(last_, now_milliseconds), body, idle_seconds);
  }
  // Forgets the oldest message; the log must not be empty.
  void drop_oldest();

  struct Found {
    const Message*
        message;  // null: nothing yet, the request may be held; valid until the next append or drop
    bool missed;  // messages between the cursor and what comes next may be gone: the answer must say so
    Cursor last;  // the log's end, or the cursor if that is not reached yet: the poll goes on from here
  };
  // The first message after `since`, as resume_point() says. Cursor 0 asks for the oldest and so
  // misses nothing.
  Found first_after(Cursor since, bool joined = false) const;

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
