// Model: prefork. The bytes of all messages of all channels, in one ring in shared memory.
// Owner of a connection: not this file.
// Runs on: all processes. Publishers write, one at a time, under the log's lock; readers take no lock.
// Wakes a held request: nothing here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/response.hpp"
#include "patterns/prefork/shared_memory.hpp"

namespace comet::prefork {

// What stands before the bytes of a message. Each record names the one before it on its channel.
struct Record {
  Cursor cursor;
  std::uint64_t previous;   // where the channel's message before this one begins
  Cursor previous_cursor;   // its cursor; the channel's beginning if there is none. Outlives that message
  std::uint64_t head_size;  // as in Message
  std::uint64_t size;       // bytes of the response, which follows
};

// A place is a number that counts up forever; its byte is `place % size of the ring`. So a place names one
// record only, although the ring comes round and its bytes are written over again and again:
//
//      +--------+--------+---------------+--------+--------+--------+--------+
//      |  newer | newest | being written | oldest |  old   |  old   |  old   |
//      +--------+--------+---------------+--------+--------+--------+--------+
//                        ^ head          ^ overwritten: every record before this place is gone
//
// (Between two publishes, nothing lies between the two.)
//
// A reader copies a record first, and reads the mark `overwritten` then. If the mark has passed the place of
// the record, a publisher may have written over its bytes meanwhile, and the reader throws its copy away.
// This way to read without a lock is known as a sequence lock, or seqlock.
//
// It depends on the order of memory. A publisher raises the mark before it writes the first byte of a new
// record. A reader reads the mark after the last byte of its copy. So a reader that has copied even one new
// byte finds the mark raised. But a compiler or a processor may exchange two writes, or two reads. A fence
// forbids it: what stands before the fence happens before what stands behind it. The publisher has one
// between the mark and the bytes, the reader one between the bytes and the mark.
class MessageRing {
 public:
  explicit MessageRing(std::size_t size);

  // The place of the new record. Call it with the publishers' lock. Record and response must fit the ring
  // several times.
  std::uint64_t write(const Record& record, std::string_view response);

  // Without a lock; nullopt once the record at that place is overwritten.
  std::optional<Record> read(std::uint64_t place) const;
  std::optional<Message> read_message(std::uint64_t place) const;

 private:
  struct Marks {
    SharedNumber head;
    SharedNumber overwritten;
  };

  bool is_there(std::uint64_t place) const;

  const std::size_t size_;
  Marks* marks_;
  char* bytes_;
};

}  // namespace comet::prefork
