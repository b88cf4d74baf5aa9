// Model: a pool of threads; a held request is a Continuation. Here: which thread may touch a connection.
// Owner of a connection: the thread that set kOwned, until it clears it.
// Runs on: any thread of the pool; acquire and release order one owner's writes before the next one's reads.
// Wakes a held request: Event::resumed.
#include "patterns/continuations/ownership.hpp"

#include <bit>

namespace comet::continuations {
namespace {

constexpr std::uint8_t kOwned = 32;
constexpr std::uint8_t kRetired = 64;
// After retirement these two bits mean "not in flight any more": the call that sets the second is the last.
constexpr std::uint8_t kInFlight =
    static_cast<std::uint8_t>(Event::readable) | static_cast<std::uint8_t>(Event::writable);

}  // namespace

Ownership::Turn Ownership::raise(Event event) {
  const auto bit = static_cast<std::uint8_t>(event);
  const std::uint8_t before = word_.fetch_or(bit | kOwned, std::memory_order_acq_rel);
  if (!(before & kOwned)) return Turn::mine;
  if (!(before & kRetired)) return Turn::others;
  const bool was_complete = (before & kInFlight) == kInFlight;
  const bool is_complete = ((before | bit) & kInFlight) == kInFlight;
  return is_complete && !was_complete ? Turn::last : Turn::others;
}

// The lowest bit first.
Event Ownership::take() {
  const unsigned events = word_.load(std::memory_order_acquire) & (kOwned - 1u);
  const auto first = static_cast<std::uint8_t>(1u << std::countr_zero(events));
  word_.fetch_and(static_cast<std::uint8_t>(~first), std::memory_order_acq_rel);
  return static_cast<Event>(first);
}

bool Ownership::give_up() {
  std::uint8_t nothing_but_owned = kOwned;
  return word_.compare_exchange_strong(nothing_but_owned, 0, std::memory_order_acq_rel);
}

bool Ownership::retire(bool readable_in_flight, bool writable_in_flight) {
  std::uint8_t landed = 0;
  if (!readable_in_flight) landed |= static_cast<std::uint8_t>(Event::readable);
  if (!writable_in_flight) landed |= static_cast<std::uint8_t>(Event::writable);
  const std::uint8_t before = word_.fetch_or(landed | kRetired, std::memory_order_acq_rel);
  return ((before | landed) & kInFlight) == kInFlight;
}

}  // namespace comet::continuations
