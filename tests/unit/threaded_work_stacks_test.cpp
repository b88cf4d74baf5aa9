// Work stacks: a call runs on another stack, on the same thread, and returns or throws as a plain call does.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <vector>

#include "patterns/threaded/footprint/work_stacks.hpp"

namespace comet::threaded {
namespace {

TEST(ThreadedWorkStacksTest, RunsOnTheSameThreadAndAnotherStack) {
  WorkStacks stacks;
  char here = 0;
  std::uintptr_t distance = 0;
  const std::thread::id thread = stacks.run([&] {
    char there = 0;
    const auto a = reinterpret_cast<std::uintptr_t>(&here);
    const auto b = reinterpret_cast<std::uintptr_t>(&there);
    distance = a > b ? a - b : b - a;
    return std::this_thread::get_id();
  });
  EXPECT_GT(distance, 256U * 1024U);
  EXPECT_EQ(thread, std::this_thread::get_id());
}

TEST(ThreadedWorkStacksTest, ExceptionsPass) {
  WorkStacks stacks;
  for (int i = 0; i < 100; ++i) {
    EXPECT_THROW(stacks.run([]() -> int { throw std::runtime_error("x"); }), std::runtime_error);
  }
}

TEST(ThreadedWorkStacksTest, ManyThreadsShareThem) {
  WorkStacks stacks;
  std::atomic<int> sum{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&] {
      for (int call = 0; call < 200; ++call) stacks.run([&] { return ++sum; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, 64 * 200);
}

}  // namespace
}  // namespace comet::threaded
