// Model: prefork. The logs of all channels as bytes in shared memory: a publish crosses processes here.
// Owner of a connection: not this file; each worker reads and writes for its own.
// Runs on: all processes. Publishers write one at a time, under a lock; readers take no lock and never wait.
// Wakes a held request: nothing here; the publisher wakes the channel after publish().
//
// The log has two parts. The table (channel_table.hpp) has an entry for each channel, which tells where its
// newest message lies. The ring (message_ring.hpp) has the messages of all channels in the order of their
// publishing. Each message tells where the one before it on its channel lies, so a channel is a chain from
// its newest message back to its oldest:
//
//      table                                        ring of bytes
//      +---------+------------+-----------+         +-------+-------+--------+-------+--------+-----------+
//      | "all"   | 3 messages | newest: C |         |   A   |   B   |   M    |   C   |   N    |   free    |
//      | "news"  | 2 messages | newest: N |         |  all  |  all  |  news  |  all  |  news  |           |
//      +---------+------------+-----------+         +-------+-------+--------+-------+--------+-----------+
//                                                   C tells of B, B of A; N tells of M        ^ head
//
// A publish takes five steps:
//
//      the publisher                        readers see                   if it is killed after this step
//      1 raises the mark "overwritten"      the oldest messages are gone  they stay gone, and that is all
//      2 writes the message at the head     no change                     the next publisher writes over it
//      3 moves the head behind the message  no change                     a few bytes of the ring stay unused
//      4 fills the spare copy in the entry  no change                     the next publisher fills it again
//      5 raises the count in the entry      the message                   it is published; all are woken
//
// The fifth step is the commit. It is a single store, so readers see the message whole or not at all. A
// reader begins at the entry. It goes from the newest message back to the one before, again and again, until
// it meets the cursor that it came with, or a message that is overwritten. The message that it met last
// before that is the first after its cursor. It copies this message out, and then asks whether the mark has
// passed the message meanwhile; if so, it begins anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/channels.hpp"
#include "patterns/prefork/log/channel_table.hpp"
#include "patterns/prefork/log/message_ring.hpp"
#include "patterns/prefork/log/robust_lock.hpp"

namespace comet::prefork {

class SharedLog {
 public:
  struct Limits {
    std::size_t history;                   // messages retained per channel
    std::size_t channels = kMostChannels;  // beyond: the channel whose last publish is oldest is forgotten
    std::size_t bytes = kMostLogBytes;     // beyond: the oldest message of all is overwritten
    std::uint32_t idle_seconds = 0;        // what each message's answer announces, as in ReplyForm
    bool joined = false;                   // as in resume_point()
  };

  // `begin`: the cursor before any message. Exits with one line if memory cannot be mapped.
  SharedLog(const Limits& limits, Cursor begin);

  struct Published {
    Cursor cursor;
    std::uint64_t number;          // among all messages of all channels
    std::uint64_t after_previous;  // the number after the channel's previous message
  };
  // `cursor` is the message's if the server is joined; else 0, and it gets the next one. nullopt, and nothing
  // has changed, if it is not above the channel's last. Throws std::bad_alloc, and has published nothing, if
  // there is no memory to encode the message. Its response must fit Limits::bytes several times.
  std::optional<Published> publish(Channel& channel, std::string_view body, Cursor cursor = {});

  struct Found {
    std::optional<Message> message;  // a copy
    bool missed;                     // messages after `since` and before this one are gone
    Cursor last;  // of the channel's newest message, or `since` if that is ahead: go on from here
  };
  // The first message after `since`, as in ChannelLog::first_after(); without `since` no message. Takes a
  // step for each message after `since`. Throws std::bad_alloc if there is no memory for the copy.
  Found first_after(Channel& channel, std::optional<Cursor> since) const;

  // Messages published in all channels. Each is counted after it can be found.
  std::uint64_t published() const { return shared_->published; }

  // Calls visit(channel_hash) for every channel with messages.
  template <class Visit>
  void for_each_channel(Visit visit) const {
    table_.for_each(visit);
  }

 private:
  struct Shared {
    RobustLock publishers;
    SharedNumber published;
  };

  std::optional<Found> try_first_after(Channel& channel, std::optional<Cursor> since) const;

  const std::size_t history_;
  const std::uint32_t idle_seconds_;
  const bool joined_;
  Shared* shared_;
  ChannelTable table_;
  MessageRing ring_;
};

}  // namespace comet::prefork
