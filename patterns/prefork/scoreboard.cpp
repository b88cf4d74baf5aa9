// Model: prefork. The counting over all slots.
// Owner of a connection: not this file; a slot is its worker's.
// Runs on: all processes, without a lock.
// Wakes a held request: nothing here.
#include "patterns/prefork/scoreboard.hpp"

#include <bit>
#include <new>

namespace comet::prefork {

std::size_t SlotSet::count() const {
  std::size_t count = 0;
  for (std::size_t word = 0; word < words_; ++word) {
    count += static_cast<std::size_t>(std::popcount(bits_[word].load(std::memory_order_relaxed)));
  }
  return count;
}

bool SlotSet::has_others(std::size_t slot) const {
  for (std::size_t word = 0; word < words_; ++word) {
    const std::uint64_t own = word == slot / 64 ? std::uint64_t{1} << slot % 64 : 0;
    if ((bits_[word].load() & ~own) != 0) return true;
  }
  return false;
}

Scoreboard::Scoreboard(std::size_t slots)
    : idle(slots),
      available(slots),
      connected(slots),
      fresh(slots),
      slots_(slots),
      holds_(map_shared_array<Hold>(slots)),
      shared_(new (map_shared(sizeof(Shared))) Shared{}) {}

// The caller looks at the log after this; a publisher looks at the holds after its commit. With the two
// fences at least one of them sees the other.
void Scoreboard::begin_hold(std::size_t slot, std::uint64_t channel_hash, std::uint64_t awaited) {
  holds_[slot].awaited.store(awaited, std::memory_order_relaxed);
  holds_[slot].channel.store(channel_hash, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Scoreboard::end_hold(std::size_t slot) {
  holds_[slot].channel.store(0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

std::size_t Scoreboard::held() const {
  std::size_t count = 0;
  for_each_hold([&count](std::uint64_t) { ++count; });
  return count;
}

std::size_t Scoreboard::count_receivers(std::uint64_t channel_hash, std::uint64_t after_previous,
                                        std::uint64_t number) const {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::size_t count = 0;
  for (std::size_t slot = 0; slot < slots_; ++slot) {
    if (holds_[slot].channel.load(std::memory_order_acquire) != channel_hash) continue;
    const std::uint64_t awaited = holds_[slot].awaited.load(std::memory_order_relaxed);
    if (awaited >= after_previous && awaited <= number) ++count;
  }
  return count;
}

void Scoreboard::clear(std::size_t slot) {
  end_hold(slot);
  idle.remove(slot);
  available.remove(slot);
  connected.remove(slot);
  fresh.remove(slot);
}

}  // namespace comet::prefork
