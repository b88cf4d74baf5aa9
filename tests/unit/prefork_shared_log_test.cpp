// The log in shared memory: the same answers as ChannelLog, its bounds, readers beside a writer.
#include "tests/unit/prefork_shared_log.hpp"

#include <random>

namespace comet::prefork {
namespace {

TEST_F(SharedLogTest, AnswersAsChannelLogDoes) {
  std::mt19937 random(7);
  constexpr std::size_t kHistory = 5;
  SharedLog log({.history = kHistory, .channels = 8}, kBegin);
  ChannelLog model(kBegin);
  std::vector<Cursor> cursors{{}, {1, 1}, kBegin, {100, 1}, {~0ULL, 0}};
  Channel reader("a");
  for (int step = 0; step < 2000; ++step) {
    if (random() % 4 == 0) {
      const std::string body = std::to_string(step);
      const Cursor cursor = publish(log, "a", body).cursor;
      if (model.size() == kHistory) model.drop_oldest();
      EXPECT_EQ(model.append(body, cursor.milliseconds).cursor, cursor);
      cursors.push_back(cursor);
    }
    // The early ones, and those around what is retained.
    const std::size_t recent = std::min<std::size_t>(cursors.size(), 2 * kHistory);
    const Cursor since =
        random() % 3 == 0 ? cursors[random() % 5] : cursors[cursors.size() - 1 - random() % recent];
    const auto expected = model.first_after(since);
    const auto found = log.first_after(reader, since);
    ASSERT_EQ(found.message.has_value(), expected.message != nullptr);
    if (found.message) {
      EXPECT_EQ(found.message->cursor, expected.message->cursor);
      EXPECT_EQ(without_date(*found.message->response), without_date(*expected.message->response));
    }
    EXPECT_EQ(found.missed, expected.missed);
    EXPECT_EQ(found.last, model.last());
  }
}

TEST_F(SharedLogTest, WithoutACursorSaysWhereTheLogEnds) {
  SharedLog log({.history = 3, .channels = 8}, kBegin);
  Channel channel("a");
  EXPECT_EQ(log.first_after(channel, {}).last, kBegin);
  const Cursor cursor = publish(log, "a", "x").cursor;
  const auto found = log.first_after(channel, {});
  EXPECT_FALSE(found.message);
  EXPECT_FALSE(found.missed);
  EXPECT_EQ(found.last, cursor);
}

TEST_F(SharedLogTest, ACursorAheadOfTheLogIsAnsweredLikeOneTooOld) {
  SharedLog log({.history = 2, .channels = 8}, kBegin);
  const Cursor ahead{~0ULL, 0};
  EXPECT_EQ(after(log, "a", ahead), "none missed") << "of a channel without messages";
  publish(log, "a", "1");
  EXPECT_EQ(after(log, "a", ahead), "1 missed");
  publish(log, "a", "2");
  publish(log, "a", "3");
  EXPECT_EQ(after(log, "a", ahead), "2 missed") << "the oldest that is retained";
}

TEST_F(SharedLogTest, ACursorAheadIsNotReachedYetIfTheServerIsJoined) {
  SharedLog log({.history = 9, .channels = 8, .joined = true}, kBegin);
  const Cursor ahead{200, 3};
  EXPECT_EQ(after(log, "a", ahead), "none") << "of a channel without messages";
  Channel a("a");
  ASSERT_TRUE(log.publish(a, "seen", {200, 2}));
  EXPECT_EQ(after(log, "a", ahead), "none");
  EXPECT_EQ(log.first_after(a, ahead).last, ahead) << "the next search would not go on from there";
  ASSERT_TRUE(log.publish(a, "seen too", {200, 3}));
  EXPECT_EQ(after(log, "a", ahead), "none");
  ASSERT_TRUE(log.publish(a, "new", {200, 4}));
  EXPECT_EQ(after(log, "a", ahead), "new");
  EXPECT_EQ(after(log, "a", {99, 0}), "seen missed") << "before the log, as ever";
}

TEST_F(SharedLogTest, AGivenCursorMustBeAboveTheChannelsLast) {
  SharedLog log({.history = 9, .channels = 2, .joined = true}, {100, 7});
  Channel a("a");
  EXPECT_FALSE(log.publish(a, "m", {100, 7}));
  EXPECT_EQ(log.published(), 0U);
  EXPECT_EQ(log.publish(a, "m", {100, 8})->cursor, (Cursor{100, 8}));
  EXPECT_FALSE(log.publish(a, "m", {100, 8}));
  Channel b("b");
  EXPECT_TRUE(log.publish(b, "m", {100, 9}));
  Channel c("c");
  ASSERT_TRUE(log.publish(c, "in the place of a", {100, 10}));
  EXPECT_FALSE(log.publish(a, "m", {100, 8})) << "what is forgotten comes again";
  EXPECT_TRUE(log.publish(a, "m", {100, 11})) << "within the same millisecond";
}

TEST_F(SharedLogTest, NumbersMessagesAcrossChannels) {
  SharedLog log({.history = 3, .channels = 8}, kBegin);
  publish(log, "a", "0");
  publish(log, "b", "1");
  EXPECT_EQ(log.published(), 2U);
  const auto third = publish(log, "a", "2");
  EXPECT_EQ(third.number, 2U);
  EXPECT_EQ(third.after_previous, 1U);
}

TEST_F(SharedLogTest, PastItsBytesTheOldestMessagesAreGoneAndTheGapIsSaid) {
  SharedLog log({.history = 1000, .channels = 8, .bytes = 16384}, kBegin);
  std::vector<Cursor> cursors;
  for (int i = 0; i < 500; ++i) cursors.push_back(publish(log, i % 2 ? "a" : "b", std::to_string(i)).cursor);
  const int oldest = std::stoi(after(log, "a", {}));
  EXPECT_GT(oldest, 400);
  EXPECT_LT(oldest, 490);
  EXPECT_EQ(after(log, "a", cursors[1]), std::to_string(oldest) + " missed");
  for (int i = oldest; i < 498; i += 2) {
    EXPECT_EQ(after(log, "a", cursors[static_cast<std::size_t>(i)]), std::to_string(i + 2));
  }
  EXPECT_EQ(after(log, "a", cursors[499]), "none");
}

TEST_F(SharedLogTest, AChannelWhoseEveryMessageIsOverwrittenSaysTheGap) {
  SharedLog log({.history = 1000, .channels = 8, .bytes = 16384}, kBegin);
  const Cursor first = publish(log, "quiet", "x").cursor;
  const Cursor last = publish(log, "quiet", "y").cursor;
  for (int i = 0; i < 100; ++i) publish(log, "busy", std::string(500, 'b'));
  EXPECT_EQ(after(log, "quiet", last), "none");
  EXPECT_EQ(after(log, "quiet", first), "none missed");
  publish(log, "quiet", "z");
  EXPECT_EQ(after(log, "quiet", last), "z");
  EXPECT_EQ(after(log, "quiet", first), "z missed");
}

TEST_F(SharedLogTest, PastItsChannelsTheOneLeastRecentlyPublishedToIsForgotten) {
  SharedLog log({.history = 3, .channels = 2}, kBegin);
  Channel a("a");
  const Cursor in_a = log.publish(a, "1")->cursor;
  const Cursor first_in_b = publish(log, "b", "2").cursor;
  publish(log, "a", "3");
  const Cursor in_b = publish(log, "b", "4").cursor;
  publish(log, "c", "5");  // in the place of a
  EXPECT_EQ(after(log, "b", {}), "2");
  EXPECT_EQ(after(log, "c", {}), "5");
  EXPECT_FALSE(log.first_after(a, Cursor{}).message) << "a reader that knew the place of a takes c for it";
  EXPECT_TRUE(log.first_after(a, in_a).missed);
  log.publish(a, "6");  // in the place of b
  EXPECT_EQ(after(log, "a", in_a), "6 missed");
  EXPECT_EQ(after(log, "b", first_in_b), "none missed");
  EXPECT_EQ(after(log, "b", in_b), "none") << "who has seen its last message misses nothing";
  int channels = 0;
  log.for_each_channel([&channels](std::uint64_t) { ++channels; });
  EXPECT_EQ(channels, 2);
}

TEST_F(SharedLogTest, ReadersBesideAWriterSeeWholeMessagesInOrder) {
  // So small a ring that the writer overtakes the readers all the time.
  SharedLog log({.history = 50, .channels = 4, .bytes = 32768}, kBegin);
  int number = 0;
  start([&] {
    ++number;
    publish(log, "a", std::to_string(number) + ' ' + std::string(number % 3000, 'x'));
  });
  Channel channel("a");
  Cursor since;
  int last = 0;
  for (int read = 0; read < 5000;) {
    const auto found = log.first_after(channel, since);
    if (!found.message) continue;
    const std::string body = body_of(*found.message);
    const int now = std::stoi(body);
    ASSERT_GT(now, last);
    ASSERT_TRUE(now == last + 1 || found.missed || since == Cursor{}) << "a gap is not said";
    ASSERT_EQ(body, std::to_string(now) + ' ' + std::string(now % 3000, 'x'));
    since = found.message->cursor;
    last = now;
    ++read;
  }
  stop();
}

}  // namespace
}  // namespace comet::prefork
