// Shared memory and futexes. A futex of several processes lies in memory that they share: not
// FUTEX_PRIVATE_FLAG.
#include "labs/kit/processes.hpp"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>

#include "labs/kit/pause_point.hpp"
#include "patterns/common/startup.hpp"

namespace kit {

void fail(const char* what, int error_number) { comet::common::fail(what, error_number); }

void* map_shared_bytes(std::size_t size) {
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mapping shared memory", errno);
  return memory;
}

void copy_to_shared(char* to, std::string_view from) {
  const std::size_t half = from.size() / 2;
  std::memcpy(to, from.data(), half);
  pause_point("copy");
  std::memcpy(to + half, from.data() + half, from.size() - half);
}

void sleep_while(const std::atomic<std::uint32_t>& number, std::uint32_t seen,
                 std::chrono::steady_clock::time_point until) {
  using std::chrono::nanoseconds;
  const auto left = std::max<nanoseconds>(until - std::chrono::steady_clock::now(), nanoseconds::zero());
  const auto seconds = duration_cast<std::chrono::seconds>(left);
  const timespec time{seconds.count(), (left - seconds).count()};
  if (syscall(SYS_futex, &number, FUTEX_WAIT, seen, &time, nullptr, 0) < 0 && errno != EAGAIN &&
      errno != ETIMEDOUT && errno != EINTR) {
    fail("sleeping on a futex", errno);
  }
}

void wake_all(std::atomic<std::uint32_t>& number) {
  pause_point("wake");
  ++number;
  if (syscall(SYS_futex, &number, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0) < 0)
    fail("waking a futex", errno);
}

}  // namespace kit
