// Continuation: of those who end a suspended request at once, exactly one wins, and only a publisher that won
// leaves its message.
#include "patterns/continuations/continuation.hpp"

#include <gtest/gtest.h>

#include <array>
#include <barrier>
#include <deque>
#include <thread>
#include <vector>

namespace comet::continuations {
namespace {

using State = Continuation::State;

std::shared_ptr<const Message> message() {
  return std::make_shared<const Message>(make_message({1, 0}, "m"));
}

TEST(ContinuationTest, IsInitialUntilSuspended) {
  Continuation continuation;
  EXPECT_TRUE(continuation.is_initial());
  continuation.suspend();
  EXPECT_FALSE(continuation.is_initial());
}

TEST(ContinuationTest, CannotBeEndedBeforeItIsSuspended) {
  Continuation continuation;
  EXPECT_FALSE(continuation.resume(message()));
  EXPECT_FALSE(continuation.expire());
  EXPECT_FALSE(continuation.abandon());
  EXPECT_FALSE(continuation.cancel());
  EXPECT_TRUE(continuation.is_initial());
}

TEST(ContinuationTest, ResumeLeavesTheMessageAndHandlerRunsAsNotInitial) {
  Continuation continuation;
  continuation.suspend();
  const auto sent = message();
  EXPECT_TRUE(continuation.resume(sent));
  EXPECT_FALSE(continuation.is_initial());
  EXPECT_EQ(continuation.state(), State::resumed);
  EXPECT_EQ(&continuation.message(), sent.get());
}

TEST(ContinuationTest, LosersChangeNothing) {
  Continuation continuation;
  const auto late = message();
  continuation.suspend();
  EXPECT_TRUE(continuation.expire());
  EXPECT_FALSE(continuation.resume(late));
  EXPECT_FALSE(continuation.abandon());
  EXPECT_FALSE(continuation.cancel());
  EXPECT_EQ(continuation.state(), State::expired);
  EXPECT_EQ(late.use_count(), 1);
}

TEST(ContinuationTest, ServesTheNextRequestAfterCompleteAndKeepsNoMessage) {
  Continuation continuation;
  const auto sent = message();
  continuation.suspend();
  continuation.resume(sent);
  continuation.complete();
  EXPECT_TRUE(continuation.is_initial());
  EXPECT_EQ(sent.use_count(), 1);
  continuation.suspend();
  EXPECT_TRUE(continuation.abandon());
}

// A publisher, the timer, the reader and the drain at once, over and over.
TEST(ContinuationTest, ExactlyOneOfFourThreadsWins) {
  constexpr int kRounds = 200;
  constexpr std::size_t kPerRound = 500;
  constexpr std::array kOutcomes{State::resumed, State::expired, State::abandoned, State::cancelled};
  std::deque<Continuation> continuations(kPerRound);
  std::array<std::vector<char>, kOutcomes.size()> won;
  const auto sent = message();
  std::barrier round(kOutcomes.size() + 1);

  const auto race = [&](std::size_t player) {
    for (int i = 0; i < kRounds; ++i) {
      round.arrive_and_wait();
      for (std::size_t at = 0; at < kPerRound; ++at) {
        Continuation& continuation = continuations[at];
        won[player][at] = player == 0   ? continuation.resume(sent)
                          : player == 1 ? continuation.expire()
                          : player == 2 ? continuation.abandon()
                                        : continuation.cancel();
      }
      round.arrive_and_wait();
    }
  };
  std::vector<std::jthread> players;
  for (std::size_t player = 0; player < kOutcomes.size(); ++player) {
    won[player].resize(kPerRound);
    players.emplace_back(race, player);
  }
  for (int i = 0; i < kRounds; ++i) {
    for (Continuation& continuation : continuations) {
      continuation.complete();
      continuation.suspend();
    }
    round.arrive_and_wait();  // the players race
    round.arrive_and_wait();
    int resumed = 0;
    for (std::size_t at = 0; at < kPerRound; ++at) {
      const int winners = won[0][at] + won[1][at] + won[2][at] + won[3][at];
      ASSERT_EQ(winners, 1);
      const std::size_t winner = won[0][at] ? 0 : won[1][at] ? 1 : won[2][at] ? 2 : 3;
      ASSERT_EQ(continuations[at].state(), kOutcomes[winner]);
      resumed += winner == 0;
    }
    ASSERT_EQ(sent.use_count(), 1 + resumed) << "only a continuation that was resumed has the message";
  }
}

}  // namespace
}  // namespace comet::continuations
