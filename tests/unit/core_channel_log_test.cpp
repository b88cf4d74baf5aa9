// One channel's log: which message follows a cursor, and which gaps are announced.
#include <gtest/gtest.h>

#include <vector>

#include "core/channel_log.hpp"

namespace comet::core {
namespace {

std::string body_of(const Message& message) { return message.response->substr(message.head_size); }

class ChannelLogTest : public testing::Test {
 protected:
  // Three messages: 101-0 "a", 101-1 "b", 105-0 "c".
  void fill() {
    log_.append("a", 101);
    log_.append("b", 101);
    log_.append("c", 105);
  }
  std::string after(Cursor since) const {
    const auto [message, missed, last] = log_.first_after(since);
    return (message ? body_of(*message) : "none") + (missed ? " missed" : "");
  }

  ChannelLog log_{Cursor{100, 0}};
};

TEST_F(ChannelLogTest, BeginsAtItsBeginning) {
  EXPECT_EQ(log_.last(), (Cursor{100, 0}));
  EXPECT_EQ(log_.size(), 0U);
  EXPECT_EQ(after(log_.last()), "none");
  EXPECT_EQ(after({}), "none");
}

TEST_F(ChannelLogTest, FirstMessageFollowsTheBeginningEvenWhenTheClockStandsStill) {
  log_.append("a", 100);
  EXPECT_GT(log_.last(), (Cursor{100, 0}));
  EXPECT_EQ(after({100, 0}), "a");
}

TEST_F(ChannelLogTest, LastCursorSentBackGivesEachMessageOnceInOrder) {
  fill();
  std::string seen;
  for (auto found = log_.first_after({}); found.message; found = log_.first_after(found.message->cursor)) {
    EXPECT_FALSE(found.missed);
    seen += body_of(*found.message);
  }
  EXPECT_EQ(seen, "abc");
}

TEST_F(ChannelLogTest, CursorBetweenTwoMessagesGivesTheLater) {
  fill();
  EXPECT_EQ(after({101, 7}), "c");
  EXPECT_EQ(after({103, 0}), "c");
}

TEST_F(ChannelLogTest, CursorOlderThanWhatIsRetainedIsAGap) {
  fill();
  log_.drop_oldest();
  EXPECT_EQ(after({100, 0}), "b missed");
  EXPECT_EQ(after({101, 0}), "b") << "the reader of the dropped message missed nothing";
}

TEST_F(ChannelLogTest, CursorFromBeforeTheLogIsAGap) {
  EXPECT_EQ(after({99, 5}), "none missed");
  fill();
  EXPECT_EQ(after({99, 5}), "a missed");
}

TEST_F(ChannelLogTest, ZeroAsksForTheOldestAndMissesNothing) {
  fill();
  log_.drop_oldest();
  EXPECT_EQ(after({}), "b");
}

TEST_F(ChannelLogTest, CursorBeyondTheEndGetsTheOldestRetainedAndIsAGap) {
  EXPECT_EQ(after({100, 1}), "none missed");
  fill();
  EXPECT_EQ(after({105, 0}), "none");
  EXPECT_EQ(after({105, 1}), "a missed");
  log_.drop_oldest();
  EXPECT_EQ(after({3600105, 0}), "b missed");
}

struct ResumeCase {
  Cursor since, after;
  bool missed;
};

// Of a log that retains what follows 100-0, up to 105-3.
TEST(ResumePoint, IsTheCursorUnlessTheLogDoesNotReachIt) {
  for (const auto& [since, expected, missed] : std::vector<ResumeCase>{{{0, 0}, {0, 0}, false},
                                                                       {{0, 1}, {0, 0}, true},
                                                                       {{99, 9}, {0, 0}, true},
                                                                       {{100, 0}, {100, 0}, false},
                                                                       {{100, 1}, {100, 1}, false},
                                                                       {{105, 3}, {105, 3}, false},
                                                                       {{105, 4}, {0, 0}, true},
                                                                       {{3600105, 0}, {0, 0}, true}}) {
    const auto [after, said] = resume_point(since, {100, 0}, {105, 3});
    EXPECT_EQ(after, expected) << to_string(since);
    EXPECT_EQ(said, missed) << to_string(since);
  }
}

TEST_F(ChannelLogTest, CursorBeyondTheEndIsNotReachedYetIfTheServerIsJoined) {
  const auto joined_after = [this](Cursor since) { return log_.first_after(since, true); };
  EXPECT_EQ(joined_after({105, 1}).message, nullptr);
  fill();
  EXPECT_EQ(joined_after({105, 1}).message, nullptr);
  EXPECT_FALSE(joined_after({105, 1}).missed);
  EXPECT_EQ(joined_after({105, 1}).last, (Cursor{105, 1}));
  EXPECT_EQ(joined_after({101, 0}).last, (Cursor{105, 0}));
  EXPECT_EQ(body_of(*joined_after({101, 7}).message), "c");
  EXPECT_TRUE(joined_after({99, 0}).missed) << "before the log, as ever";
  log_.append({105, 1}, "seen");
  log_.append({105, 7}, "new");
  EXPECT_EQ(body_of(*joined_after({105, 1}).message), "new");
}

TEST_F(ChannelLogTest, LogThatLostAllKnowsWhereItEnded) {
  fill();
  for (int i = 0; i < 3; ++i) log_.drop_oldest();
  EXPECT_EQ(log_.last(), (Cursor{105, 0}));
  EXPECT_EQ(after({105, 0}), "none");
  EXPECT_EQ(after({101, 0}), "none missed");
  log_.append("d", 105);
  EXPECT_EQ(after({105, 0}), "d");
}

TEST_F(ChannelLogTest, BytesAreThoseOfTheRetainedResponses) {
  const std::size_t first = log_.append("a", 101).response->size();
  const std::size_t second = log_.append(std::string(1000, 'b'), 101).response->size();
  EXPECT_EQ(log_.bytes(), first + second);
  log_.drop_oldest();
  EXPECT_EQ(log_.bytes(), second);
  log_.drop_oldest();
  EXPECT_EQ(log_.bytes(), 0U);
}

}  // namespace
}  // namespace comet::core
