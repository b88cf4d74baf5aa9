// Model: prefork. What each worker does now, in shared memory: one slot for each worker.
// Owner of a connection: its worker, which writes its slot. The master clears the slot when the
// worker has ended.
// Runs on: all processes, without a lock.
// Wakes a held request: not this file; it counts whom a publish wakes.
//
// A worker is in one state at a time:
//
//      starting --> idle --> working <--> waiting
//                    ^          |
//                    '-- close -'
//
// A worker that is `starting` or `idle` can take a connection; the pool keeps some of these. One that is
// `working` will soon wait or be idle. One that is `waiting` may wait for long, so it is of no use to another
// client. The counts of /stats are taken from the slots, so a worker that was killed is not counted once its
// slot is cleared.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/stats.hpp"
#include "patterns/prefork/shared_memory.hpp"

namespace comet::prefork {

enum class WorkerState : std::uint8_t {
  none,      // the slot has no worker
  starting,  // it was forked, and is not ready yet
  idle,      // it waits for a connection
  working,   // it has a connection, and does something for it
  waiting,   // it has a connection, and waits: for its client's bytes, room in the socket, or a message
};

// A set of slots as bits, so that thousands are counted with a few reads.
class SlotSet {
 public:
  explicit SlotSet(std::size_t slots)
      : words_((slots + 63) / 64), bits_(map_shared_array<SharedNumber>(words_)) {}

  void set(std::size_t slot, bool is_in);
  std::size_t count() const;
  bool has_others(std::size_t slot) const;  // than this one

 private:
  std::size_t words_;
  SharedNumber* bits_;
};

class Scoreboard {
 public:
  explicit Scoreboard(std::size_t slots);

  void set(std::size_t slot, WorkerState state);
  WorkerState state(std::size_t slot) const { return slots_[slot].state; }
  std::size_t idle() const { return idle_.count(); }  // and starting
  std::size_t connections() const;
  bool some_are_free() const { return free_.count() > 0; }

  // From now on a worker holds a request, and waits, for a message of number `awaited` or
  // more (SharedLog::published()).
  void begin_hold(std::size_t slot, std::uint64_t channel_hash, std::uint64_t awaited);
  void end_hold(std::size_t slot);
  std::size_t held() const;

  // How many holds a message wakes: those on its channel that began after the channel's previous message and
  // before this one. A woken worker may take a while to run, and the next message must not count it again.
  std::size_t count_receivers(std::uint64_t channel_hash, std::uint64_t after_previous,
                              std::uint64_t number) const;

  // Calls visit(channel_hash) for every hold.
  template <class Visit>
  void for_each_hold(Visit visit) const {
    for (std::size_t slot = 0; slot < count_; ++slot) {
      if (const std::uint64_t channel = slots_[slot].channel) visit(channel);
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

  // Every other worker waits, and the master can start no more: whoever connects next needs this worker.
  bool no_other_is_free(std::size_t slot) const { return !shared_->can_grow && !free_.has_others(slot); }

  // True for one caller after the master asked for it: that hold is to end. Not if a worker has
  // become free since.
  bool take_shedding(std::size_t slot) {
    return shared_->shed && shared_->shed.exchange(false) && no_other_is_free(slot);
  }

 private:
  struct Slot {
    SharedNumber channel;  // hash of the one on which a request is held; 0: none is
    SharedNumber awaited;
    std::atomic<WorkerState> state;
  };

  std::size_t count_;
  Slot* slots_;
  SlotSet idle_;  // starting or idle
  SlotSet free_;  // starting, idle or working
  Shared* shared_;
};

}  // namespace comet::prefork
