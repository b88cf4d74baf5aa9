// Ownership: one thread at a time has a connection, no event is lost, and a closed connection is freed
// by the last.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <bit>
#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "patterns/continuations/ownership.hpp"

namespace comet::continuations {
namespace {

using Turn = Ownership::Turn;

std::size_t index_of(Event event) {
  return static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(event)));
}

TEST(OwnershipTest, BelongsToItsMakerAtFirst) {
  Ownership ownership;
  EXPECT_EQ(ownership.raise(Event::readable), Turn::others);
}

TEST(OwnershipTest, WhoRaisesAnEventInAFreeOneBecomesTheOwner) {
  Ownership ownership;
  ASSERT_TRUE(ownership.give_up());
  EXPECT_EQ(ownership.raise(Event::resumed), Turn::mine);
  EXPECT_EQ(ownership.raise(Event::time_over), Turn::others);
  EXPECT_EQ(ownership.take(), Event::resumed);
  EXPECT_FALSE(ownership.give_up());
  EXPECT_EQ(ownership.take(), Event::time_over);
  EXPECT_TRUE(ownership.give_up());
}

TEST(OwnershipTest, RetiredWithNothingInFlightIsFreedAtOnce) {
  Ownership ownership;
  EXPECT_TRUE(ownership.retire(false, false));
}

TEST(OwnershipTest, RetiredIsFreedByTheLastOperationInFlight) {
  Ownership ownership;
  EXPECT_FALSE(ownership.retire(true, true));
  EXPECT_EQ(ownership.raise(Event::writable), Turn::others);
  EXPECT_EQ(ownership.raise(Event::readable), Turn::last);
}

TEST(OwnershipTest, AnOperationThatLandedBeforeRetirementIsNotWaitedFor) {
  Ownership ownership;
  EXPECT_EQ(ownership.raise(Event::readable), Turn::others);
  EXPECT_TRUE(ownership.retire(true, false));
}

// The plain variables are what ThreadSanitizer watches: two owners at once would race for them.
TEST(OwnershipTest, NoEventIsLostAndNoTwoThreadsAreOwnersAtOnce) {
  constexpr int kRaises = 100'000;
  constexpr std::array kEvents{Event::readable, Event::resumed, Event::time_over};
  Ownership ownership;
  ASSERT_TRUE(ownership.give_up());
  std::array<std::atomic<int>, 5> raised{};
  std::array<int, 5> seen{};
  bool handling = false;
  const auto handle_all = [&] {
    do {
      EXPECT_FALSE(std::exchange(handling, true));
      const std::size_t index = index_of(ownership.take());
      seen[index] = raised[index].load(std::memory_order_relaxed);
      handling = false;
    } while (!ownership.give_up());
  };
  {
    std::vector<std::jthread> threads;
    for (const Event event : kEvents) {
      threads.emplace_back([&, event] {
        for (int i = 1; i <= kRaises; ++i) {
          raised[index_of(event)].store(i, std::memory_order_relaxed);
          if (ownership.raise(event) == Turn::mine) handle_all();
        }
      });
    }
  }
  for (const Event event : kEvents) EXPECT_EQ(seen[index_of(event)], kRaises);
}

TEST(OwnershipTest, ExactlyOneFreesARetiredConnection) {
  constexpr int kRounds = 100;
  constexpr std::size_t kPerRound = 500;
  for (int i = 0; i < kRounds; ++i) {
    std::deque<Ownership> connections(kPerRound);
    std::vector<std::atomic<int>> freed(kPerRound);
    std::barrier start(3);
    const auto land = [&](Event event) {
      start.arrive_and_wait();
      for (std::size_t at = 0; at < kPerRound; ++at) freed[at] += connections[at].raise(event) == Turn::last;
    };
    {
      std::jthread reader(land, Event::readable);
      std::jthread writer(land, Event::writable);
      start.arrive_and_wait();
      for (std::size_t at = 0; at < kPerRound; ++at) freed[at] += connections[at].retire(true, true);
    }
    for (const auto& times : freed) ASSERT_EQ(times, 1);
  }
}

}  // namespace
}  // namespace comet::continuations
