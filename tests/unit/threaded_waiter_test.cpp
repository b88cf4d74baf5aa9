// Waiter: of message, time, leaving and drain exactly one ends a hold, and the thread that waits learns
// which. Waiters: a list out of which a waiter is taken once.
#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <deque>
#include <optional>
#include <thread>
#include <vector>

#include "patterns/threaded/waiter.hpp"

namespace comet::threaded {
namespace {

using State = Waiter::State;

constexpr int kRounds = 3000;

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
  constexpr std::size_t kAtOnce = 100;
  constexpr std::array kEnds{State::message, State::expired, State::left};
  const Message message = make_message({7, 0}, "m");
  std::optional<std::deque<Waiter>> waiters;  // others in each round
  std::array<std::array<bool, kAtOnce>, kEnds.size()> won{};
  std::barrier together(kEnds.size() + 1);  // few crossings, for it spins

  const auto race = [&](std::size_t ender) {
    for (std::size_t round = 0; round < kRounds / kAtOnce; ++round) {
      together.arrive_and_wait();
      for (std::size_t at = 0; at < kAtOnce; ++at) {
        Waiter& waiter = (*waiters)[at];
        won[ender][at] = kEnds[ender] == State::message ? waiter.end(message) : waiter.end(kEnds[ender]);
      }
      together.arrive_and_wait();
    }
  };
  std::vector<std::jthread> enders;
  for (std::size_t ender = 0; ender < kEnds.size(); ++ender) enders.emplace_back(race, ender);
  for (std::size_t round = 0; round < kRounds / kAtOnce; ++round) {
    waiters.emplace(kAtOnce);
    for (Waiter& waiter : *waiters) waiter.begin();
    std::array<State, kAtOnce> seen{};
    together.arrive_and_wait();  // they race
    for (std::size_t at = 0; at < kAtOnce; ++at) seen[at] = (*waiters)[at].wait(far_away());
    together.arrive_and_wait();
    for (std::size_t at = 0; at < kAtOnce; ++at) {
      EXPECT_EQ(won[0][at] + won[1][at] + won[2][at], 1);
      EXPECT_EQ(seen[at], kEnds[won[0][at] ? 0 : won[1][at] ? 1 : 2]);
    }
  }
}

TEST(ThreadedWaitersTest, WhoIsTakenOutIsNotListedAnyMore) {
  Waiters channel;
  const auto first = std::make_shared<Waiter>();
  const auto second = std::make_shared<Waiter>();
  channel.add(first);
  channel.add(second);
  EXPECT_TRUE(first->is_listed());
  channel.remove(*first);
  EXPECT_FALSE(first->is_listed());
  Waiters taken;
  EXPECT_EQ(taken.take_all(channel), 1U);
  EXPECT_TRUE(channel.empty());
  EXPECT_FALSE(second->is_listed());
  EXPECT_EQ(taken.take_first(), second);
  EXPECT_TRUE(taken.empty());
}

TEST(ThreadedWaitersTest, KeepAWaiterAliveWhoseThreadHasGone) {
  Waiters taken;
  std::weak_ptr<Waiter> gone;
  {
    Waiters channel;
    const auto waiter = std::make_shared<Waiter>();
    gone = waiter;
    channel.add(waiter);
    taken.take_all(channel);
  }
  EXPECT_FALSE(gone.expired());
  taken.take_first();
  EXPECT_TRUE(gone.expired());
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
}  // namespace comet::threaded
