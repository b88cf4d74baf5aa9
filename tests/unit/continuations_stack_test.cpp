// Stacks and captured handlers: a handler goes on where it stopped, on any thread, and its stack
// is used again.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "patterns/continuations/captured_handler.hpp"
#include "patterns/continuations/footprint/stack_pool.hpp"

namespace comet::continuations {
namespace {

TEST(StackPoolTest, StacksDoNotOverlap) {
  StackPool pool;
  std::set<char*> tops;
  for (std::size_t i = 0; i < 3 * kStacksPerMapping; ++i) tops.insert(static_cast<char*>(pool.take().sp));
  ASSERT_EQ(tops.size(), 3 * kStacksPerMapping);
  for (auto next = std::next(tops.begin()); next != tops.end(); ++next) {
    EXPECT_GE(*next - *std::prev(next), static_cast<std::ptrdiff_t>(kStackSize));
  }
}

TEST(StackPoolTest, AStackGivenBackIsTheNextOneTaken) {
  StackPool pool;
  pool.take();
  auto stack = pool.take();
  void* top = stack.sp;
  pool.give_back(stack);
  EXPECT_EQ(pool.take().sp, top);
}

TEST(StackPoolTest, RefusesAtTheLimitOfMappingsAndServesOnWhenOneIsGivenBack) {
  StackPool pool;
  auto stack = pool.take();
  std::size_t taken = 1;
  EXPECT_THROW(
      while (taken <= pool.most()) {
        pool.take();
        ++taken;
      },
      std::bad_alloc);
  EXPECT_GT(taken + kStacksPerMapping, pool.most());
  void* top = stack.sp;
  pool.give_back(stack);
  EXPECT_EQ(pool.take().sp, top);
}

TEST(StackPoolTest, TheWholeStackIsWritable) {
  StackPool pool;
  const auto stack = pool.take();
  std::fill_n(static_cast<volatile char*>(stack.sp) - stack.size, stack.size, 'x');
}

TEST(StackPoolDeathTest, RunningOffAStackEndsTheProcessInsteadOfSpoilingTheNextStack) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  StackPool pool;
  pool.take();
  const auto stack = pool.take();
  volatile char* below = static_cast<volatile char*>(stack.sp) - stack.size - 64;
  EXPECT_DEATH(*below = 'x', "");
}

TEST(CapturedHandlerTest, GoesOnWhereItStopped) {
  StackPool pool;
  CapturedHandler handler;
  std::string log;
  handler.begin(pool, [&log](CapturedStack& stack) {
    log += "a";
    stack.suspend();
    log += "c";
  });
  log += "b";
  CapturedHandler::resume(std::move(handler));
  EXPECT_EQ(log, "abc");
}

TEST(CapturedHandlerTest, MayGoOnInAnotherThreadAndMayFreeItsOwner) {
  StackPool pool;
  auto owner = std::make_unique<CapturedHandler>();
  std::vector<pid_t>
      threads;  // of gettid(): the compiler may keep std::this_thread::get_id() across a switch
  owner->begin(pool, [&](CapturedStack& stack) {
    const std::string local(100, 'x');
    threads.push_back(gettid());
    stack.suspend();
    threads.push_back(gettid());
    owner.reset();
    EXPECT_EQ(local, std::string(100, 'x'));
  });
  std::jthread([&] { CapturedHandler::resume(std::move(*owner)); }).join();
  ASSERT_EQ(threads.size(), 2u);
  EXPECT_NE(threads[0], threads[1]);
  EXPECT_EQ(owner, nullptr);
}

TEST(CapturedHandlerTest, GivesItsStackBackWhenItEnds) {
  StackPool pool;
  void* first = nullptr;
  for (int i = 0; i < 1000; ++i) {
    CapturedHandler handler;
    void* here = nullptr;
    handler.begin(pool, [&here](CapturedStack& stack) {
      here = &stack;
      stack.suspend();
    });
    CapturedHandler::resume(std::move(handler));
    if (!first) first = here;
    ASSERT_EQ(here, first);
  }
}

}  // namespace
}  // namespace comet::continuations
