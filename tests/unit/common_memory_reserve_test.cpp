// The memory that is put aside, in a process of its own that has no more than it had at the start.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "patterns/common/memory_reserve.hpp"

namespace comet::common {
namespace {

bool take_no_more_from_the_system() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kilobytes = 0;
    if (word != "VmData:" || !(status >> kilobytes)) continue;
    const rlimit none{.rlim_cur = kilobytes << 10, .rlim_max = RLIM_INFINITY};
    return setrlimit(RLIMIT_DATA, &none) == 0;
  }
  return false;
}

// Exits with 0 where the thread gets its memory.
[[noreturn]] void take_memory_in_a_new_thread() {
  keep_memory_reserve();
  // So that what is freed before it stays in the process. NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores)
  const auto behind = std::make_unique<char[]>(60'000);
  std::promise<void> limited;
  std::thread taking([&] {
    limited.get_future().wait();
    std::vector<std::unique_ptr<char[]>> taken;  // far less than the reserve
    while (taken.size() < 300) taken.push_back(std::make_unique<char[]>(3'000));
    _exit(0);
  });
  if (!take_no_more_from_the_system()) _exit(2);
  limited.set_value();
  taking.join();
  _exit(3);
}

TEST(MemoryReserveDeathTest, IsThereAlsoForAThreadThatHasTakenNoMemoryBefore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(take_memory_in_a_new_thread(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace comet::common
