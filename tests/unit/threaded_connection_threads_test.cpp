// Connection threads: a cap that holds, a limit that says so, an end that can be waited for.
#include <gtest/gtest.h>

#include <future>

#include "patterns/threaded/hardening/connection_threads.hpp"

namespace comet::threaded {
namespace {

constexpr std::size_t kStack = 256UL * 1024;  // bytes; the sanitizers need more than the server does
constexpr Milliseconds kPatience{10000};

TEST(ThreadedConnectionThreadsTest, StartsUpToTheCapAndNoMore) {
  ConnectionThreads threads(3, kStack);
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(threads.start([ended](bool) { ended.wait(); }));
  EXPECT_FALSE(threads.start([](bool) { ADD_FAILURE() << "ran over the cap"; }));
  EXPECT_EQ(threads.limit(), 3U);
  end.set_value();
  threads.stop();
  EXPECT_TRUE(threads.wait_for_all(kPatience));
}

TEST(ThreadedConnectionThreadsTest, WhoHasTheLastThreadIsTold) {
  ConnectionThreads threads(2, kStack);
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  for (const bool expected : {false, true}) {
    std::promise<bool> told;
    ASSERT_TRUE(threads.start([ended, &told](bool has_last) {
      told.set_value(has_last);
      ended.wait();
    }));
    EXPECT_EQ(told.get_future().get(), expected);
  }
  end.set_value();
  EXPECT_TRUE(threads.wait_for_all(kPatience));
}

TEST(ThreadedConnectionThreadsTest, AThreadThatEndsMakesRoom) {
  ConnectionThreads threads(1, kStack);
  for (int i = 0; i < 100; ++i) {
    std::promise<void> ran;
    ASSERT_TRUE(threads.start([&ran](bool) { ran.set_value(); }));
    ran.get_future().wait();
    ASSERT_TRUE(threads.wait_for_all(kPatience));
  }
}

TEST(ThreadedConnectionThreadsTest, WaitingEndsWithTheTime) {
  ConnectionThreads threads(2, kStack);
  std::promise<void> end;
  ASSERT_TRUE(threads.start([&end](bool) { end.get_future().wait(); }));
  threads.stop();
  EXPECT_FALSE(threads.wait_for_all(Milliseconds{1}));
  end.set_value();
  threads.wait_for_all();
}

// More address space than there is: the system refuses the second thread, as it would refuse the 30,000th.
TEST(ThreadedConnectionThreadsTest, LimitIsWhatTheSystemGives) {
  ConnectionThreads threads(1000, std::size_t{1} << 46);
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  std::size_t started = 0;
  while (started < 1000 && threads.start([ended](bool) { ended.wait(); })) ++started;
  EXPECT_LT(started, 1000U);
  EXPECT_LE(threads.limit(), started + 1);
  end.set_value();
  threads.stop();
  EXPECT_TRUE(threads.wait_for_all(kPatience));
}

}  // namespace
}  // namespace comet::threaded
