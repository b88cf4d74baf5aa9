// The size of the pool, the pause after failures, and what the scoreboard and the events of the channels
// promise to workers.
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "patterns/prefork/worker_pool.hpp"

namespace comet::prefork {
namespace {

// Of 5:30 with 5 to 10 idle.
PoolChange change(std::size_t idle, std::size_t total) { return pool_change({idle, total, 5, 30, 5, 10}); }

TEST(PoolSize, StartsAtTheLeast) { EXPECT_EQ(change(0, 0), (PoolChange{5, 0})); }
TEST(PoolSize, StaysWhereEnoughAreIdle) {
  EXPECT_EQ(change(5, 5), (PoolChange{0, 0}));
  EXPECT_EQ(change(10, 20), (PoolChange{0, 0}));
}
TEST(PoolSize, StartsAsManyAsAreMissingFromTheIdle) {
  EXPECT_EQ(change(4, 5), (PoolChange{1, 0}));
  EXPECT_EQ(change(0, 12), (PoolChange{5, 0}));
}
TEST(PoolSize, NeverPassesTheMost) {
  EXPECT_EQ(change(0, 28), (PoolChange{2, 0}));
  EXPECT_EQ(change(0, 30), (PoolChange{0, 0}));
}
TEST(PoolSize, ReplacesTheDead) { EXPECT_EQ(change(5, 3), (PoolChange{2, 0})); }
TEST(PoolSize, RetiresASmallSurplusByOnesAndALargeOneByShares) {
  EXPECT_EQ(change(11, 20), (PoolChange{0, 1}));
  EXPECT_EQ(pool_change({8000, 8000, 5, 8000, 5, 10}), (PoolChange{0, 500}));
}
TEST(PoolSize, NeverFallsUnderTheLeast) {
  EXPECT_EQ(pool_change({20, 20, 20, 20, 5, 10}), (PoolChange{0, 0}));
  EXPECT_EQ(pool_change({500, 501, 500, 900, 5, 10}), (PoolChange{0, 1}));
}
TEST(PoolSize, ShrinksStepByStepToTheIdleThatItKeeps) {
  std::size_t total = 8000;
  int steps = 0;
  for (PoolChange step; (step = pool_change({total, total, 5, 8000, 5, 10})).retire > 0; ++steps)
    total -= step.retire;
  EXPECT_EQ(total, 10U);
  EXPECT_LT(steps, 120);  // one a second
}

TEST(PoolBackoff, DoublesUpToFiveSecondsAndStartsAnewAfterASuccess) {
  const Clock::time_point now{};
  Backoff backoff;
  EXPECT_TRUE(backoff.over(now));
  backoff.fail(now);
  EXPECT_EQ(backoff.until() - now, Milliseconds{20});
  backoff.fail(now);
  EXPECT_EQ(backoff.until() - now, Milliseconds{40});
  for (int i = 0; i < 20; ++i) backoff.fail(now);
  EXPECT_EQ(backoff.until() - now, Milliseconds{5000});
  EXPECT_FALSE(backoff.over(now + Milliseconds{4999}));
  EXPECT_TRUE(backoff.over(now + Milliseconds{5000}));
  backoff.succeed();
  backoff.fail(now);
  EXPECT_EQ(backoff.until() - now, Milliseconds{20});
}

TEST(PoolScoreboard, AHoldIsCountedForOneMessageOnly) {
  Scoreboard board(200);
  board.begin_hold(3, 77, 10);
  board.begin_hold(150, 77, 12);
  board.begin_hold(199, 78, 10);
  EXPECT_EQ(board.held(), 3U);
  EXPECT_EQ(board.count_receivers(77, 0, 9), 0U) << "the message was there before the hold";
  EXPECT_EQ(board.count_receivers(77, 0, 11), 1U);
  EXPECT_EQ(board.count_receivers(77, 12, 12), 1U) << "the first of the two is woken by message 11 already";
  board.end_hold(3);
  EXPECT_EQ(board.count_receivers(77, 0, 20), 1U);
}

TEST(PoolScoreboard, AWorkerIsInOneStateAtATime) {
  Scoreboard board(70);
  board.set(69, WorkerState::starting);
  EXPECT_EQ(board.idle(), 1U);
  EXPECT_EQ(board.connections(), 0U);
  board.set(69, WorkerState::idle);
  EXPECT_EQ(board.idle(), 1U);
  board.set(69, WorkerState::working);
  EXPECT_EQ(board.idle(), 0U);
  EXPECT_EQ(board.connections(), 1U);
  EXPECT_TRUE(board.some_are_free());
  board.begin_hold(69, 5, 0);
  EXPECT_EQ(board.connections(), 1U);
  EXPECT_EQ(board.held(), 1U);
  EXPECT_FALSE(board.some_are_free()) << "a worker that holds a request is of no use to others";
}

TEST(PoolScoreboard, TheDeadLeaveNoTrace) {
  Scoreboard board(70);
  board.begin_hold(69, 5, 0);
  board.set(68, WorkerState::idle);
  board.clear(69);
  board.clear(68);
  EXPECT_EQ(board.idle(), 0U);
  EXPECT_EQ(board.connections(), 0U);
  EXPECT_EQ(board.held(), 0U);
  EXPECT_FALSE(board.some_are_free());
}

TEST(PoolScoreboard, NoOtherIsFreeIfAllWaitAndNoMoreCanBeStarted) {
  Scoreboard board(70);
  board.set(66, WorkerState::working);
  EXPECT_TRUE(board.no_other_is_free(66));
  EXPECT_FALSE(board.no_other_is_free(2));
  board.set(2, WorkerState::idle);
  EXPECT_FALSE(board.no_other_is_free(66));
  board.set(2, WorkerState::waiting);
  EXPECT_TRUE(board.no_other_is_free(66));
  board.shared().can_grow = true;
  EXPECT_FALSE(board.no_other_is_free(66));
}

TEST(PoolScoreboard, SheddingIsTakenByOne) {
  Scoreboard board(2);
  EXPECT_FALSE(board.take_shedding(0));
  board.shared().shed = true;
  EXPECT_TRUE(board.take_shedding(0));
  EXPECT_FALSE(board.take_shedding(0));
}

TEST(PoolScoreboard, SheddingIsOverOnceAnotherWorkerIsFree) {
  Scoreboard board(2);
  board.shared().shed = true;
  board.set(1, WorkerState::idle);
  EXPECT_FALSE(board.take_shedding(0));
  board.set(1, WorkerState::waiting);
  EXPECT_FALSE(board.take_shedding(0)) << "it was asked for before there was room";
}

TEST(PoolChannelEvents, OneWriteIsReportedOnceToEveryoneWhoWatchesAndNotToThoseOfOtherChannels) {
  const ChannelEvents events;
  std::vector<int> epolls;
  for (const std::uint64_t channel : {1, 1, 2}) {
    epolls.push_back(epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    ASSERT_EQ(epoll_ctl(epolls.back(), EPOLL_CTL_ADD, events.of(channel), &event), 0);
  }
  const auto is_reported = [](int epoll) {
    epoll_event event{};
    return epoll_wait(epoll, &event, 1, 0) == 1;
  };
  events.notify(1);
  EXPECT_TRUE(is_reported(epolls[0]));
  EXPECT_FALSE(is_reported(epolls[0]));
  EXPECT_TRUE(is_reported(epolls[1])) << "the event is not kept for a worker that sleeps later";
  EXPECT_FALSE(is_reported(epolls[2]));
  events.notify(1);
  EXPECT_TRUE(is_reported(epolls[0])) << "the second write is lost";
  for (const int epoll : epolls) close(epoll);
}

}  // namespace
}  // namespace comet::prefork
