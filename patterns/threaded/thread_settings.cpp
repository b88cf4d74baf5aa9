// Model: one thread per connection. What the C library and the kernel must be told before there can be very
// many.
// Owner of a connection: nothing here.
// Runs on: the main thread, before all others.
// Wakes a held request: nothing here.
#include "patterns/threaded/thread_settings.hpp"

#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace comet::threaded {
namespace {

// From <linux/prctl.h> of Linux 6.16.
constexpr int kFutexHash = 78;         // PR_FUTEX_HASH
constexpr int kFutexHashSetSlots = 1;  // PR_FUTEX_HASH_SET_SLOTS

constexpr std::size_t kFewestSlots = 16;
constexpr std::size_t kMostSlots = 32768;

}  // namespace

void shrink_thread_storage(char** arguments) {
  // A program with privileges of its own does not get the variable: it would start itself for ever.
  if (std::getenv("GLIBC_TUNABLES") != nullptr || getauxval(AT_SECURE) != 0) return;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error || setenv("GLIBC_TUNABLES", "glibc.rtld.nns=1:glibc.rtld.optional_static_tls=0", 1) != 0) return;
  execv(program.c_str(), arguments);  // returns where it failed: go on as we are
}

void grow_futex_table(std::size_t threads) {
  const std::size_t slots = std::bit_ceil(std::clamp(threads / 2, kFewestSlots, kMostSlots));
  prctl(kFutexHash, kFutexHashSetSlots, slots, 0, 0);
}

void let_wakers_go_on() {
  const sched_param unused{};
  sched_setscheduler(0, SCHED_BATCH, &unused);  // a hint only: refused, it costs some switches
}

}  // namespace comet::threaded
