// Model: prefork. All channel logs as bytes in shared memory. Messages lie in one ring of bytes, each
// encoded once; a channel is a table entry and a ring of the places of its last messages.
// Owner of a connection: not this file; each worker reads and writes for its own.
// Runs on: all processes. Publishers write under one robust lock; readers take no lock, copy, and look
// afterwards whether what they copied was being overwritten, in which case they look again. A publisher may
// be killed between any two of its stores: a message exists once its channel's count is raised, which is
// the last store, and what was written before that is not seen by anybody.
// Wakes a held request: not this file; the bell rings after publish().
#pragma once

#include <pthread.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/channels.hpp"
#include "patterns/prefork/shared_memory.hpp"

namespace comet::prefork {

// Two numbers that readers see together and a killed writer leaves as they were. One writer at a time.
class SharedCursor {
 public:
  void store(Cursor cursor);
  Cursor load() const;

 private:
  struct Copy {
    SharedNumber milliseconds, sequence;
  };
  SharedNumber version_;  // the copy that holds good is version % 2
  Copy copies_[2];
};

class SharedLog {
 public:
  struct Limits {
    std::size_t history;                   // messages retained per channel
    std::size_t channels = kMostChannels;  // beyond: the channel whose last publish is oldest is forgotten
    std::size_t bytes = kMostLogBytes;     // beyond: the oldest message of all is overwritten
    std::uint32_t idle_seconds = 0;        // no limit: what each message's answer announces, as in ReplyForm
  };

  // `begin`: the cursor before any message. Exits with one line where memory cannot be mapped.
  SharedLog(const Limits& limits, Cursor begin);

  // A channel by its name, and where it was last found in the table. Made by each reader for itself.
  struct Channel {
    explicit Channel(std::string_view name);

    std::array<std::uint64_t, 8> name{};  // padded with zeros, which no name has
    std::uint64_t hash;                   // not 0
    std::size_t place = 0;
    std::uint64_t generation = 0;
  };

  struct Published {
    Cursor cursor;
    std::uint64_t number;          // among all messages of all channels
    std::uint64_t after_previous;  // the number after the channel's previous message
  };
  // The response made of `body` must fit Limits::bytes several times over. nullopt, and nothing done, where
  // there is no memory for it.
  std::optional<Published> publish(Channel& channel, std::string_view body);

  struct Found {
    std::optional<Message> message;  // a copy
    bool missed;                     // as in ChannelLog::first_after()
    Cursor last;                     // of the channel's newest message: where the next search goes on
  };
  // The first message after `since`, as ChannelLog::first_after() has it; without `since` nothing, and where
  // the log ends.
  Found first_after(Channel& channel, std::optional<Cursor> since) const;

  // Messages published so far in all channels; each is counted after it can be found.
  std::uint64_t published() const { return header_->published.load(std::memory_order_acquire); }

  // Calls visit(channel_hash) for every channel with messages.
  template <class Visit>
  void for_each_channel(Visit visit) const {
    const std::size_t used = header_->used.load(std::memory_order_acquire);
    for (std::size_t place = 0; place < used; ++place) {
      if (in_use(entries_[place].generation.load(std::memory_order_relaxed))) visit(hashes_[place].load());
    }
  }

 private:
  struct Header {
    pthread_mutex_t lock;
    SharedNumber used;  // entries ever used
    SharedNumber published;
    SharedNumber head;         // where the next record begins; counts up for ever
    SharedNumber overwritten;  // records that begin before this may be overwritten
    SharedCursor
        forgotten;  // newest cursor of all channels that were forgotten: where an unknown channel begins
  };
  struct Entry {
    SharedNumber generation;  // odd: in use; raised when the entry is given up and when it is taken
    std::array<SharedNumber, 8> name;
    SharedNumber begin_milliseconds, begin_sequence;
    SharedNumber count;           // messages published to it; raising it is the commit
    SharedNumber after_previous;  // for publishers: the number after its last message
  };
  struct Place {  // of one message
    SharedNumber record, milliseconds, sequence;
    Cursor cursor() const {
      return {milliseconds.load(std::memory_order_relaxed), sequence.load(std::memory_order_relaxed)};
    }
  };
  struct Record {
    std::uint64_t head_size, size;
  };
  // What a reader sees of an entry at one time.
  struct View {
    const SharedLog& log;
    const Entry& entry;
    std::size_t place;
    std::uint64_t generation, count, first;  // messages [first, count) are retained

    Cursor cursor_of(std::uint64_t message) const { return log.place_of(place, message).cursor(); }
    Cursor begin() const;  // nothing at or before it is retained
    Cursor last() const;
    bool holds_good() const;
  };

  static bool in_use(std::uint64_t generation) { return generation % 2 == 1; }
  void lock();
  void unlock();
  bool locate(Channel& channel) const;
  bool is_at(const Channel& channel, std::size_t place, std::uint64_t& generation) const;
  void make_entry(Channel& channel);
  std::size_t entry_to_take() const;
  void forget(std::size_t place);
  Published append(Channel& channel, std::string_view body);
  std::uint64_t write_record(std::string_view response, std::size_t head_size);
  View view(const Channel& channel) const;
  std::optional<Found> try_first_after(Channel& channel, std::optional<Cursor> since) const;
  std::optional<Message> copy(std::uint64_t record, Cursor cursor) const;
  Place& place_of(std::size_t place, std::uint64_t message) const {
    return places_[place * places_per_channel_ + message % places_per_channel_];
  }

  Limits limits_;
  std::size_t places_per_channel_;
  Header* header_;
  SharedNumber* hashes_;  // by entry, apart from the entries so that a search reads few cache lines
  Entry* entries_;
  Place* places_;
  char* ring_;
};

}  // namespace comet::prefork
