// Model: prefork. Which channels there are, and the newest message of each, in shared memory.
// Owner of a connection: not this file.
// Runs on: all processes. Publishers write, one at a time, under the log's lock; readers take no lock.
// Wakes a held request: nothing here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/cursor.hpp"
#include "patterns/prefork/shared_memory.hpp"

namespace comet::prefork {

// A channel as one process knows it: its name, and the entry of the table where it was found last.
struct Channel {
  Channel() = default;
  explicit Channel(std::string_view channel_name);

  std::array<std::uint64_t, 8> name{};  // padded with zeros, which no name has
  std::uint64_t hash = 0;               // of the name; not 0, which means "none" elsewhere
  std::size_t entry = 0;
  std::uint64_t generation = 0;  // of that entry when the channel was found there; 0: not found yet
};

// The newest message of a channel.
struct Newest {
  Cursor cursor;
  std::uint64_t place = 0;        // in the ring of messages
  std::uint64_t next_number = 0;  // of the message that follows it, counted over all channels
};

// The table has a fixed number of entries. If all are in use, a new channel gets that of the channel whose
// last publish is oldest, and that one is forgotten. The generation of an entry tells whether it is in use:
//
//      even: free    --- take: write name, beginning and count 0, then raise the generation -->   odd: in use
//      even: free    <-- forget: raise the generation ------------------------------------------  odd: in use
//
// A process remembers the entry of a channel together with its generation. As long as the generation has not
// changed, the entry is still that channel's.
//
// An entry has two copies of Newest, and `count`, the number of messages that the channel has had, tells
// which of the two is valid:
//
//      count 6:   copy 0 is message 6, valid      copy 1 is message 5, or half of message 7
//      count 7:   copy 0 is message 6             copy 1 is message 7, valid
//
// A publisher fills the spare copy, and then raises the count. This single store makes the message visible. A
// reader reads the count, the valid copy, and then the count and the generation again. If one of these has
// changed, it may have read half of a newer message, and it begins anew. So readers need no lock, and a
// publisher that is killed before the last store has changed nothing that anybody sees.
//
// All these numbers are atomics in their default order, which is sequentially consistent: every process sees
// all changes in one order, that of the code.
class ChannelTable {
 public:
  // `begin`: the cursor before any message.
  ChannelTable(std::size_t entries, Cursor begin);

  struct State {
    std::uint64_t count = 0;  // messages that the channel has had
    Newest newest;            // with count 0 only its cursor counts: the channel's beginning
  };
  // Also of a channel that is not in the table: its beginning is the end of the channel forgotten last. Notes
  // in `channel` where it was found.
  State read(Channel& channel) const;

  // Both with the publishers' lock. open() gives the channel an entry if it has none; commit()
  // raises its count.
  void open(Channel& channel);
  void commit(const Channel& channel, const Newest& newest);

  // Calls visit(channel_hash) for every channel in the table.
  template <class Visit>
  void for_each(Visit visit) const {
    const std::size_t used = ends_->used;
    for (std::size_t entry = 0; entry < used; ++entry) {
      if (is_in_use(entries_[entry].generation)) visit(hashes_[entry].load());
    }
  }

 private:
  struct SharedCursor {
    SharedNumber milliseconds, sequence;
  };
  struct Ends {
    SharedNumber used;          // entries that were ever used
    SharedNumber forgets;       // channels that were forgotten
    SharedCursor forgotten[2];  // the newest of their messages is forgotten[forgets % 2]; as in Entry
  };
  struct SharedNewest {
    SharedNumber milliseconds, sequence, place, next_number;
  };
  struct Entry {
    SharedNumber generation;
    std::array<SharedNumber, 8> name;
    SharedNumber count;
    SharedNewest newest[2];  // that of message number `count` is newest[count % 2]
  };

  Cursor beginning() const;
  static bool is_in_use(std::uint64_t generation) { return generation % 2 == 1; }
  static Newest load(const SharedNewest& newest);
  static void store(SharedNewest& newest, const Newest& value);
  bool find(Channel& channel) const;
  bool is_at(const Channel& channel, std::size_t entry, std::uint64_t& generation) const;
  std::size_t entry_to_take() const;
  void forget(Entry& entry);

  const std::size_t entry_count_;
  Ends* ends_;
  SharedNumber*
      hashes_;  // of each entry's name; apart from the entries, so that a search reads little memory
  Entry* entries_;
};

}  // namespace comet::prefork
