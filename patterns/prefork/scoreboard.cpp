// Model: prefork. The counting over all slots.
// Owner of a connection: not this file; a slot is its worker's.
// Runs on: all processes, without a lock.
// Wakes a held request: nothing here.
#include "patterns/prefork/scoreboard.hpp"

#include <bit>
#include <new>

namespace comet::prefork {

void SlotSet::set(std::size_t slot, bool is_in) {
  SharedNumber& word = bits_[slot / 64];
  const std::uint64_t bit = std::uint64_t{1} << slot % 64;
  if (((word & bit) != 0) == is_in) return;  // the others' caches keep the word
  if (is_in) {
    word |= bit;
  } else {
    word &= ~bit;
  }
}

std::size_t SlotSet::count() const {
  std::size_t count = 0;
  for (std::size_t word = 0; word < words_; ++word) {
    count += static_cast<std::size_t>(std::popcount(bits_[word].load()));
  }
  return count;
}

bool SlotSet::has_others(std::size_t slot) const {
  for (std::size_t word = 0; word < words_; ++word) {
    const std::uint64_t own = word == slot / 64 ? std::uint64_t{1} << slot % 64 : 0;
    if ((bits_[word] & ~own) != 0) return true;
  }
  return false;
}

Scoreboard::Scoreboard(std::size_t slots)
    : count_(slots),
      slots_(map_shared_array<Slot>(slots)),
      idle_(slots),
      free_(slots),
      shared_(new (map_shared(sizeof(Shared))) Shared{}) {}

void Scoreboard::set(std::size_t slot, WorkerState state) {
  const bool is_idle = state == WorkerState::starting || state == WorkerState::idle;
  slots_[slot].state = state;
  idle_.set(slot, is_idle);
  free_.set(slot, is_idle || state == WorkerState::working);
}

std::size_t Scoreboard::connections() const {
  std::size_t count = 0;
  for (std::size_t slot = 0; slot < count_; ++slot) {
    const WorkerState state = slots_[slot].state;
    count += state == WorkerState::working || state == WorkerState::waiting;
  }
  return count;
}

// The worker looks at the log after this, and a publisher looks at the slots after its message is in the log.
// Both write first and read then, and atomics in their default order keep that order. So at least one of the
// two sees the other: either the worker finds the message, or the publisher counts the hold, or both.
void Scoreboard::begin_hold(std::size_t slot, std::uint64_t channel_hash, std::uint64_t awaited) {
  slots_[slot].awaited = awaited;
  slots_[slot].channel = channel_hash;
  set(slot, WorkerState::waiting);
}

void Scoreboard::end_hold(std::size_t slot) {
  slots_[slot].channel = 0;
  set(slot, WorkerState::working);
}

std::size_t Scoreboard::held() const {
  std::size_t count = 0;
  for_each_hold([&count](std::uint64_t) { ++count; });
  return count;
}

std::size_t Scoreboard::count_receivers(std::uint64_t channel_hash, std::uint64_t after_previous,
                                        std::uint64_t number) const {
  std::size_t count = 0;
  for (std::size_t slot = 0; slot < count_; ++slot) {
    if (slots_[slot].channel != channel_hash) continue;
    const std::uint64_t awaited = slots_[slot].awaited;
    count += awaited >= after_previous && awaited <= number;
  }
  return count;
}

void Scoreboard::clear(std::size_t slot) {
  slots_[slot].channel = 0;
  set(slot, WorkerState::none);
}

}  // namespace comet::prefork
