// How a publish ends: by its reply, by the stream, or by time.
#include <gtest/gtest.h>

#include <random>

#include "bus/backoff.hpp"
#include "bus/publisher.hpp"
#include "tests/unit/bus_replies.hpp"

namespace comet::bus {
namespace {

using std::chrono::milliseconds;

class PublisherTest : public testing::Test {
 protected:
  Publisher::Clock::time_point at(int after) const { return start_ + milliseconds(after); }
  void connect() {
    publisher_.connect();
    publisher_.take(list({text("1700000000"), text("5000")}), at(0));
  }
  // With 1000 ms to its deadline; its number is its place in outcomes_.
  std::string publish() {
    const std::size_t number = outcomes_.size();
    outcomes_.emplace_back();
    return publisher_.publish("all", "m", {{}, "new", 10}, at(1000), [this, number](const auto& outcome) {
      outcomes_[number] +=
          outcome.cursor ? core::to_string(*outcome.cursor)
                         : std::to_string(outcome.refusal.status) + " " + std::string(outcome.refusal.text);
    });
  }
  Entry entry(const std::string& origin) {
    return entries_of(list({stream_entry("7-0", 1, "e", origin)})).front();
  }

  const Publisher::Clock::time_point start_ = Publisher::Clock::time_point(std::chrono::hours(100));
  Publisher publisher_{"me"};
  std::vector<std::string> outcomes_;
};

TEST_F(PublisherTest, HasItsDeadlineInRedisOwnTime) {
  EXPECT_FALSE(publisher_.is_connected());
  connect();
  EXPECT_TRUE(publisher_.is_connected());
  const std::string command = publish();
  EXPECT_NE(command.find("\r\n1700000001005\r\n"), std::string::npos) << command;
}

TEST_F(PublisherTest, EndsWithTheCursorOfTheReplyInTheirOrder) {
  connect();
  publish();
  publish();
  publisher_.take(text("5-0"), at(1));
  publisher_.take(text("5-1"), at(1));
  EXPECT_EQ(outcomes_, (std::vector<std::string>{"5-0", "5-1"}));
}

TEST_F(PublisherTest, RefusalSaysThatItIsNotPublished) {
  connect();
  for (const char* why : {"LATE x", "OOM command not allowed", "READONLY x", "MISCONF x"}) {
    publish();
    publisher_.take(error(why), at(1));
    EXPECT_TRUE(outcomes_.back().starts_with("503 not published")) << outcomes_.back();
  }
}

TEST_F(PublisherTest, WhatTheLostConnectionDidIsFoundInTheStreamOnce) {
  connect();
  publish();
  publisher_.lose_connection();
  EXPECT_FALSE(publisher_.is_connected());
  publisher_.note(entry("somebody-1"));
  EXPECT_EQ(outcomes_[0], "");
  publisher_.note(entry("me-1"));
  publisher_.note(entry("me-1"));
  publisher_.give_up(at(9000));
  EXPECT_EQ(outcomes_[0], "7-0");
}

TEST_F(PublisherTest, WhatIsNotFoundInTimeIsSaidToBeUnknown) {
  connect();
  publish();
  publisher_.lose_connection();
  publisher_.give_up(at(1500));
  EXPECT_EQ(outcomes_[0], "") << "the stream's reader has time to find it";
  publisher_.give_up(at(2000));
  EXPECT_TRUE(outcomes_[0].starts_with("503 it is not known")) << outcomes_[0];
}

TEST_F(PublisherTest, ALateReplyIsForNobodyAndTheNextForItsOwn) {
  connect();
  publish();
  publisher_.give_up(at(2000));
  publish();
  publisher_.take(text("5-0"), at(2001));
  publisher_.take(text("5-1"), at(2001));
  EXPECT_EQ(outcomes_[1], "5-1");
  EXPECT_THROW(publisher_.take(text("5-2"), at(2001)), WireError) << "nothing was asked";
}

TEST(BusBackoff, GrowsToItsMostAndBeginsAnewAfterASuccess) {
  std::minstd_rand random(1);
  Backoff backoff;
  milliseconds longest{0};
  for (int i = 0; i < 50; ++i) longest = std::max(longest, backoff.next(random));
  EXPECT_LE(longest, Backoff::kMost);
  EXPECT_GT(longest, Backoff::kMost / 2);
  backoff.succeed();
  EXPECT_LE(backoff.next(random), Backoff::kLeast);
}

}  // namespace
}  // namespace comet::bus
