// What one client of the gateway has yet to be sent, its bound, and who waits for it. And how fast a client may send.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <string>

#include "nodes/gateway/outbox.hpp"
#include "nodes/gateway/rate_limit.hpp"

namespace comet::gateway {
namespace {

using Clock = Outbox::Clock;

class OutboxTest : public testing::Test {
 protected:
  // Begins to wait; `ended` says whether that is over.
  void wait(Clock::time_point until, bool& ended) {
    boost::asio::co_spawn(
        loop_,
        [this, until, &ended]() -> boost::asio::awaitable<void> {
          co_await outbox_.wait(until);
          ended = true;
        },
        boost::asio::detached);
    run();
  }
  void run() {
    loop_.restart();
    loop_.poll();
  }

  boost::asio::io_context loop_;
  Outbox outbox_{loop_.get_executor(), 10};
};

TEST_F(OutboxTest, GivesWhatItGotInOrderOnce) {
  outbox_.push("a");
  outbox_.push("b");
  const auto texts = outbox_.take_all();
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_EQ(*texts[0] + *texts[1], "ab");
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(OutboxTest, ClosesWhenItsClientReadsTooSlowly) {
  outbox_.push(std::string(10, 'x'));
  EXPECT_FALSE(outbox_.is_closed());
  outbox_.push("y");
  EXPECT_TRUE(outbox_.is_closed());
  EXPECT_EQ(outbox_.close_code(), kTryAgain);
  EXPECT_EQ(outbox_.take_all().size(), 1U);  // that can still be sent
}

TEST_F(OutboxTest, TakesOneTextOfAnySizeAndHasRoomAgainOnceThatIsTaken) {
  for (int i = 0; i < 3; ++i) {
    outbox_.push(std::string(1000, 'x'));
    EXPECT_EQ(outbox_.take_all().size(), 1U);
  }
  EXPECT_FALSE(outbox_.is_closed());
}

TEST_F(OutboxTest, TakesNothingOnceItIsClosedAndKeepsTheFirstReason) {
  outbox_.close(kPolicy);
  outbox_.close(kGoingAway);
  outbox_.push("late");
  EXPECT_EQ(outbox_.close_code(), kPolicy);
  EXPECT_TRUE(outbox_.empty());
}

TEST_F(OutboxTest, AWaitEndsWithATextOrItsCloseOrItsTime) {
  bool by_text = false, by_close = false, by_time = false;
  wait(Clock::time_point::max(), by_text);
  EXPECT_FALSE(by_text);
  outbox_.push("a");
  run();
  EXPECT_TRUE(by_text);
  outbox_.take_all();
  wait(Clock::now(), by_time);
  EXPECT_TRUE(by_time);
  wait(Clock::time_point::max(), by_close);
  EXPECT_FALSE(by_close);
  outbox_.close();
  run();
  EXPECT_TRUE(by_close);
}

TEST_F(OutboxTest, ANewWaitEndsTheOneBefore) {
  bool first = false, second = false;
  wait(Clock::time_point::max(), first);
  wait(Clock::time_point::max(), second);
  EXPECT_TRUE(first);
  EXPECT_FALSE(second);
  outbox_.release();
  run();
  EXPECT_TRUE(second);
}

TEST(GatewayRateLimit, LetsASecondSMessagesComeAtOnceAndThenNoMoreThanItsRate) {
  constexpr std::size_t kRate = 50;
  RateLimit limit(kRate);
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < kRate; ++i) EXPECT_TRUE(limit.allows());
  std::size_t allowed = kRate;
  for (int i = 0; i < 10'000; ++i) allowed += limit.allows();
  const std::chrono::duration<double> passed = Clock::now() - begin;
  EXPECT_LE(static_cast<double>(allowed), kRate * (1 + passed.count()) + 1);
}

TEST(GatewayRateLimit, RefusesNobodyForEver) {
  RateLimit limit(1000);
  while (limit.allows()) {
  }
  const auto give_up = Clock::now() + std::chrono::seconds(30);
  bool allowed = false;
  while (!allowed && Clock::now() < give_up) allowed = limit.allows();
  EXPECT_TRUE(allowed);
}

}  // namespace
}  // namespace comet::gateway
