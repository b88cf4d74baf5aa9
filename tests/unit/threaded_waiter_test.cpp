// Waiter: of message, time, leaving and drain exactly one ends a hold, and the thread that waits learns
// which.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <optional>
#include <thread>
#include <vector>

#include "patterns/threaded/waiter.hpp"

namespace comet {
namespace {

using State = Waiter::State;

constexpr int kRounds = 500;

Clock::time_point far_away() { return Clock::now() + std::chrono::hours(1); }

TEST(ThreadedWaiterTest, MessageWakesTheThreadAndIsHandedOver) {
  Waiter waiter;
  waiter.begin();
  const Message message = make_message({7, 0}, "m");
  std::thread publisher([&] { EXPECT_TRUE(waiter.end(message)); });
  EXPECT_EQ(waiter.wait(far_away()), State::message);
  publisher.join();
  EXPECT_EQ(waiter.take_message().response, message.response);
}

TEST(ThreadedWaiterTest, KeepsNoMessageThatWasTaken) {
  Waiter waiter;
  waiter.begin();
  const Message message = make_message({7, 0}, "m");
  ASSERT_TRUE(waiter.end(message));
  waiter.take_message();
  EXPECT_EQ(message.response.use_count(), 1);
}

TEST(ThreadedWaiterTest, StillWaitsWhenTheTimeIsOver) {
  Waiter waiter;
  waiter.begin();
  EXPECT_EQ(waiter.wait(Clock::now()), State::waiting);
  EXPECT_TRUE(waiter.end(make_message({7, 0}, "m")));
  EXPECT_EQ(waiter.wait(), State::message);
}

TEST(ThreadedWaiterTest, InputReturnsTheThreadOnceAndTheHoldGoesOn) {
  Waiter waiter;
  waiter.begin();
  std::thread watcher([&] { waiter.notice_input(); });
  EXPECT_EQ(waiter.wait(far_away()), State::waiting);
  watcher.join();
  EXPECT_TRUE(waiter.end(make_message({7, 0}, "m")));
  EXPECT_EQ(waiter.wait(far_away()), State::message);
}

TEST(ThreadedWaiterTest, OnlyTheFirstEndCounts) {
  for (const State first : {State::expired, State::left, State::drained}) {
    Waiter waiter;
    waiter.begin();
    EXPECT_TRUE(waiter.end(first));
    EXPECT_FALSE(waiter.end(State::expired));
    EXPECT_FALSE(waiter.end(make_message({7, 0}, "m")));
    EXPECT_EQ(waiter.wait(), first);
  }
}

TEST(ThreadedWaiterTest, LeavingEndsTheHold) {
  Waiter waiter;
  waiter.begin();
  std::thread watcher([&] { waiter.leave(); });
  EXPECT_EQ(waiter.wait(far_away()), State::left);
  watcher.join();
}

TEST(ThreadedWaiterTest, LeavingBeforeAHoldEndsItWhenItBegins) {
  Waiter waiter;
  waiter.leave();
  waiter.begin();
  EXPECT_EQ(waiter.wait(far_away()), State::left);
  EXPECT_FALSE(waiter.end(make_message({7, 0}, "m")));
}

TEST(ThreadedWaiterTest, LeavingAfterAMessageIsRememberedForTheNextHold) {
  Waiter waiter;
  waiter.begin();
  ASSERT_TRUE(waiter.end(make_message({7, 0}, "m")));
  waiter.leave();
  EXPECT_EQ(waiter.wait(), State::message);
  waiter.begin();
  EXPECT_EQ(waiter.wait(far_away()), State::left);
}

TEST(ThreadedWaiterTest, ServesHoldAfterHold) {
  Waiter waiter;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    waiter.begin();
    EXPECT_TRUE(waiter.end(make_message({i, 0}, "m")));
    EXPECT_EQ(waiter.wait(), State::message);
    EXPECT_EQ(waiter.take_message().cursor.milliseconds, i);
  }
}

TEST(ThreadedWaiterTest, ExactlyOneOfThreeEndersWinsAndTheThreadSeesItsState) {
  const Message message = make_message({7, 0}, "m");
  std::optional<Waiter> waiter;  // another in each round
  std::barrier together(4);
  std::atomic<int> winners{0};
  std::atomic<State> won{State::waiting};
  const auto end = [&](State how) {
    for (int round = 0; round < kRounds; ++round) {
      together.arrive_and_wait();
      if (how == State::message ? waiter->end(message) : waiter->end(how)) {
        ++winners;
        won = how;
      }
      together.arrive_and_wait();
    }
  };
  std::vector<std::jthread> enders;
  for (const State how : {State::message, State::expired, State::left}) enders.emplace_back(end, how);
  int wrong = 0;
  for (int round = 0; round < kRounds; ++round) {
    waiter.emplace();
    waiter->begin();
    winners = 0;
    together.arrive_and_wait();  // they race
    const State seen = waiter->wait(far_away());
    together.arrive_and_wait();
    if (winners != 1 || won != seen) ++wrong;
  }
  EXPECT_EQ(wrong, 0);
}

// A publisher may still be about to notify when the thread and its connection are gone.
TEST(ThreadedWaiterTest, MayBeEndedWhileItsThreadLetsGoOfIt) {
  const Message message = make_message({7, 0}, "m");
  for (int round = 0; round < kRounds; ++round) {
    auto waiter = std::make_shared<Waiter>();
    waiter->begin();
    std::thread publisher([&message, taken = waiter]() mutable { EXPECT_TRUE(taken->end(message)); });
    EXPECT_EQ(waiter->wait(), State::message);
    waiter.reset();
    publisher.join();
  }
}

}  // namespace
}  // namespace comet
