// Model: prefork. What each worker does now, in shared memory, one slot per worker; and the counters of
// /stats.
// Owner of a connection: its worker, which writes its slot. The master clears it when the worker has ended,
// however it ended, so that every number below is a count of what the living do and a killed worker leaves no
// trace in it.
// Runs on: all processes, without a lock.
// Wakes a held request: not this file; it counts whom a publish wakes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/stats.hpp"
#include "patterns/prefork/shared_memory.hpp"

namespace comet::prefork {

// A set of slots as bits.
class SlotSet {
 public:
  explicit SlotSet(std::size_t slots)
      : words_((slots + 63) / 64), bits_(map_shared_array<SharedNumber>(words_)) {}

  void add(std::size_t slot) { bits_[slot / 64].fetch_or(std::uint64_t{1} << slot % 64); }
  void remove(std::size_t slot) { bits_[slot / 64].fetch_and(~(std::uint64_t{1} << slot % 64)); }
  std::size_t count() const;
  // Of other slots than this one.
  bool has_others(std::size_t slot) const;
  bool contains(std::size_t slot) const { return (bits_[slot / 64].load() >> slot % 64) % 2 == 1; }

 private:
  std::size_t words_;
  SharedNumber* bits_;
};

class Scoreboard {
 public:
  explicit Scoreboard(std::size_t slots);

  SlotSet idle;       // wait for a connection, or are just being started
  SlotSet available;  // are idle, or will soon be: they handle a request and do not wait for a client
  SlotSet connected;  // have a connection
  SlotSet fresh;      // have had none yet

  // A hold waits for messages numbered `awaited` or more (SharedLog::published()) on a channel.
  void begin_hold(std::size_t slot, std::uint64_t channel_hash, std::uint64_t awaited);
  void end_hold(std::size_t slot);
  std::size_t held() const;

  // How many holds a message wakes: those on the channel that began after its previous message and before
  // this one. Each hold so counts for one message only, though its worker may take a while to run.
  std::size_t count_receivers(std::uint64_t channel_hash, std::uint64_t after_previous,
                              std::uint64_t number) const;

  // Calls visit(channel_hash) for every hold.
  template <class Visit>
  void for_each_hold(Visit visit) const {
    for (std::size_t slot = 0; slot < slots_; ++slot) {
      const std::uint64_t channel = holds_[slot].channel.load(std::memory_order_relaxed);
      if (channel != 0) visit(channel);
    }
  }

  // For the master, once the worker of the slot has ended.
  void clear(std::size_t slot);

  struct Shared {
    Counters counters;
    std::atomic<bool> draining;
    std::atomic<bool> can_grow;      // the master can start more workers
    std::atomic<bool> growth_asked;  // the master has been told that few workers are idle
    std::atomic<bool> shed;          // one held request must give up its worker
  };
  Shared& shared() { return *shared_; }
  Counters& counters() { return shared_->counters; }

  // No other worker is available and the master can start no more: this one must not wait long for its
  // client.
  bool crowded(std::size_t slot) const { return !available.has_others(slot) && !shared_->can_grow.load(); }

  // True for one caller after the master asked for it: that hold is to end. Not where a worker has become
  // available since; the request is over then.
  bool take_shedding(std::size_t slot) {
    return shared_->shed.load(std::memory_order_relaxed) && shared_->shed.exchange(false) && crowded(slot);
  }

 private:
  struct Hold {
    SharedNumber channel;  // its hash; 0: no hold
    SharedNumber awaited;
  };

  std::size_t slots_;
  Hold* holds_;
  Shared* shared_;
};

}  // namespace comet::prefork
