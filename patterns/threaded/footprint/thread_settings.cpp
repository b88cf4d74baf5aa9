// Model: one thread per connection. What the kernel must be told before there can be very many threads.
// Owner of a connection: not this file.
// Runs on: the main thread, before all others.
// Wakes a held request: nothing here.
#include "patterns/threaded/footprint/thread_settings.hpp"

#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <bit>

namespace comet::threaded {
namespace {

// From <linux/prctl.h> of Linux 6.16.
constexpr int kFutexHash = 78;         // PR_FUTEX_HASH
constexpr int kFutexHashSetSlots = 1;  // PR_FUTEX_HASH_SET_SLOTS

constexpr std::size_t kFewestSlots = 16;
constexpr std::size_t kMostSlots = 32768;

}  // namespace

// Both are hints, so a refusal is not an error: it costs time and nothing else.
void grow_futex_table(std::size_t threads) {
  const std::size_t slots = std::bit_ceil(std::clamp(threads / 2, kFewestSlots, kMostSlots));
  prctl(kFutexHash, kFutexHashSetSlots, slots, 0, 0);
}

void let_wakers_go_on() {
  const sched_param unused{};
  sched_setscheduler(0, SCHED_BATCH, &unused);
}

}  // namespace comet::threaded
