// All channels of a server: making and dropping them, and what is forgotten first where they grow too
// many or too big.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "core/channels.hpp"

namespace comet::core {
namespace {

using TestChannels = Channels<std::vector<int>>;

const Cursor kBegin{1000, 0};

std::string name_of(std::size_t i) { return "channel-" + std::to_string(i); }

TEST(Channels, OpenGivesOneChannelPerName) {
  TestChannels channels({.history = 8}, kBegin);
  auto& a = channels.open("a");
  EXPECT_EQ(&channels.open("a"), &a);
  EXPECT_NE(&channels.open("b"), &a);
  EXPECT_EQ(channels.size(), 2U);
  EXPECT_EQ(a.log.last(), kBegin);
}

TEST(Channels, NameIsCopied) {
  TestChannels channels({.history = 8}, kBegin);
  std::string name = "first";
  auto& opened = channels.open(name);
  name = "other";
  EXPECT_EQ(&channels.open("first"), &opened);
}

TEST(Channels, ChannelWithoutMessagesAndWaitersIsDropped) {
  TestChannels channels({.history = 8}, kBegin);
  auto& waited_for = channels.open("waited for");
  waited_for.waiters.push_back(1);
  auto& published = channels.open("published");
  channels.publish(published, "x");
  auto& unused = channels.open("unused");
  channels.close_if_unused(waited_for);
  channels.close_if_unused(published);
  channels.close_if_unused(unused);
  EXPECT_EQ(channels.size(), 2U);
  waited_for.waiters.clear();
  channels.close_if_unused(waited_for);
  EXPECT_EQ(channels.size(), 1U);
}

TEST(Channels, ForEachVisitsEveryChannel) {
  TestChannels channels({.history = 8}, kBegin);
  for (std::size_t i = 0; i < 5; ++i) channels.open(name_of(i));
  std::size_t visited = 0;
  channels.for_each([&](TestChannels::Channel&) { ++visited; });
  EXPECT_EQ(visited, 5U);
}

TEST(Channels, KeepTheNewestMessagesUpToTheHistory) {
  TestChannels channels({.history = 3}, kBegin);
  auto& channel = channels.open("a");
  for (const char* body : {"1", "2", "3", "4", "5"}) channels.publish(channel, body);
  EXPECT_EQ(channel.log.size(), 3U);
  const Message& oldest = *channel.log.first_after({}).message;
  EXPECT_EQ(oldest.response->substr(oldest.head_size), "3");
}

TEST(Channels, HistoryOfOneKeepsTheLastMessage) {
  TestChannels channels({.history = 1}, kBegin);
  auto& channel = channels.open("a");
  channels.publish(channel, "1");
  const Message& second = *channels.publish(channel, "2").message;
  EXPECT_EQ(channel.log.size(), 1U);
  EXPECT_EQ(channel.log.first_after({}).message, &second);
}

TEST(Channels, MessagesAnnounceTheIdleTimeOfTheOptions) {
  TestChannels channels({.history = 1, .idle_timeout = Milliseconds(12900)}, kBegin);
  const Message& message = *channels.publish(channels.open("a"), "m").message;
  EXPECT_NE(message.response->find("\r\nKeep-Alive: timeout=12\r\n"), std::string::npos) << *message.response;
}

TEST(Channels, TooManyForgetTheOneWhoseLastPublishIsOldest) {
  TestChannels channels({.history = 8}, kBegin);
  for (std::size_t i = 0; i < kMostChannels; ++i) channels.publish(channels.open(name_of(i)), "x");
  channels.publish(channels.open(name_of(0)), "y");  // now channel 1 is the oldest
  channels.publish(channels.open("one more"), "x");
  EXPECT_EQ(channels.size(), kMostChannels);
  EXPECT_EQ(channels.open(name_of(0)).log.size(), 2U);
  EXPECT_EQ(channels.open(name_of(1)).log.size(), 0U);
  EXPECT_EQ(channels.open(name_of(2)).log.size(), 1U);
}

TEST(Channels, ForgottenChannelTellsItsOldReadersOfTheGap) {
  TestChannels channels({.history = 8}, kBegin);
  auto& first = channels.open("first");
  const Cursor before = first.log.last();
  const Cursor end = channels.publish(first, "lost").message->cursor;
  for (std::size_t i = 0; i < kMostChannels; ++i) channels.publish(channels.open(name_of(i)), "x");

  auto& again = channels.open("first");
  EXPECT_EQ(again.log.size(), 0U);
  EXPECT_TRUE(again.log.first_after(before).missed);
  EXPECT_FALSE(again.log.first_after(end).missed) << "whoever saw its last message missed nothing";
  EXPECT_GT(channels.publish(again, "new").message->cursor, end);
}

TEST(Channels, ForgottenChannelKeepsItsWaiters) {
  TestChannels channels({.history = 8}, kBegin);
  auto& first = channels.open("first");
  first.waiters.push_back(7);
  channels.publish(first, "lost");
  for (std::size_t i = 0; i < kMostChannels; ++i) channels.publish(channels.open(name_of(i)), "x");
  EXPECT_EQ(&channels.open("first"), &first);
  EXPECT_EQ(first.log.size(), 0U);
  EXPECT_EQ(first.waiters, std::vector<int>{7});
  channels.publish(first, "goes on");
  EXPECT_EQ(first.log.size(), 1U);
}

constexpr std::size_t kBig = std::size_t{32} << 20;
constexpr std::size_t kFitting =
    kMostLogBytes / kBig - 1;  // big messages beside which there is room for heads

TEST(Channels, TooManyBytesForgetOtherChannelsFirst) {
  TestChannels channels({.history = 100}, kBegin);
  const std::string big(kBig, 'b');
  auto& old = channels.open("old");
  channels.publish(old, "small");
  auto& busy = channels.open("busy");
  for (std::size_t i = 0; i < kFitting + 1; ++i) channels.publish(busy, big);
  EXPECT_EQ(channels.size(), 1U);
  EXPECT_EQ(busy.log.size(), kFitting);
  EXPECT_LE(busy.log.bytes(), kMostLogBytes);
}

TEST(Channels, MessageJustPublishedIsNeverForgotten) {
  TestChannels channels({.history = 100}, kBegin);
  auto& channel = channels.open("a");
  channels.publish(channel, "small");
  channels.publish(channel, std::string(kMostLogBytes, 'b'));
  EXPECT_EQ(channel.log.size(), 1U);
  EXPECT_GT(channel.log.bytes(), kMostLogBytes);
  channels.publish(channel, "next");
  EXPECT_EQ(channel.log.size(), 1U);
}

// So long that no allocator has it; never read, for the allocation fails before.
const std::string_view kTooLong("x", std::size_t{1} << 60);

TEST(Channels, AMessageThatDoesNotFitIntoMemoryChangesNothing) {
  TestChannels channels({.history = 2}, kBegin);
  TestChannels::Channel& channel = channels.open("a");
  channels.publish(channel, "1");
  const Cursor last = channel.log.last();
  EXPECT_EQ(channels.publish(channel, kTooLong).message, nullptr);
  EXPECT_EQ(channel.log.size(), 1U);
  EXPECT_EQ(channel.log.last(), last);
  EXPECT_GT(channels.publish(channel, "2").message->cursor, last);
  EXPECT_EQ(channel.log.size(), 2U);
}

TEST(Channels, AChannelOpenedForAMessageThatDoesNotFitIsGone) {
  TestChannels channels({.history = 2}, kBegin);
  EXPECT_EQ(channels.publish(channels.open("a"), kTooLong).message, nullptr);
  EXPECT_EQ(channels.size(), 0U);
  EXPECT_NE(channels.publish(channels.open("a"), "1").message, nullptr);
}

class JoinedChannelsTest : public testing::Test {
 protected:
  void wait(TestChannels::Channel& channel, Cursor last, int waiter) {
    channels_.waiting_place(channel, last).waiters.push_back(waiter);
  }
  // Whom the message is for, as a pattern finds them.
  std::vector<int> publish(std::string_view name, Cursor cursor) {
    auto& channel = channels_.open(name);
    EXPECT_NE(channels_.publish(channel, "m", cursor).message, nullptr);
    channels_.close_passed(channel, [&](const std::vector<int>& passed) {
      channel.waiters.insert(channel.waiters.end(), passed.begin(), passed.end());
    });
    return std::exchange(channel.waiters, {});
  }

  TestChannels channels_{{.history = 8}, kBegin};
};

TEST_F(JoinedChannelsTest, MessageIsForThoseThatHaveNotSeenIt) {
  auto& channel = channels_.open("a");
  wait(channel, kBegin, 1);
  wait(channel, {1000, 2}, 2);
  wait(channel, {1000, 2}, 22);
  wait(channel, {1000, 5}, 3);
  wait(channels_.open("b"), {1000, 1}, 4);
  EXPECT_EQ(publish("a", {1000, 1}), std::vector{1});
  EXPECT_EQ(publish("a", {1000, 2}), std::vector<int>{});
  EXPECT_EQ(publish("a", {1000, 3}), (std::vector{2, 22}));
  EXPECT_EQ(publish("a", {1000, 9}), std::vector{3});
  EXPECT_EQ(publish("b", {1000, 9}), std::vector{4});
}

TEST_F(JoinedChannelsTest, WaitingPlaceEndsWhereItsWaitersAre) {
  auto& channel = channels_.open("a");
  EXPECT_EQ(&channels_.waiting_place(channel, kBegin), &channel);
  auto& place = channels_.waiting_place(channel, {1000, 2});
  EXPECT_EQ(place.log.last(), (Cursor{1000, 2}));
  EXPECT_EQ(&channels_.waiting_place(channel, {1000, 2}), &place);
  int visited = 0;
  channels_.for_each([&](TestChannels::Channel&) { ++visited; });
  EXPECT_EQ(visited, 2);
  EXPECT_EQ(channels_.size(), 1U);
}

TEST_F(JoinedChannelsTest, ChannelStaysWhileSomebodyWaitsAheadAndNoLonger) {
  auto& channel = channels_.open("a");
  wait(channel, {1000, 2}, 1);
  wait(channel, {1000, 3}, 2);
  channels_.close_if_unused(channel);
  ASSERT_EQ(channels_.size(), 1U);
  for (const Cursor last : {Cursor{1000, 2}, Cursor{1000, 3}}) {
    auto& place = channels_.waiting_place(channel, last);
    place.waiters.clear();
    channels_.close_if_unused(place);
  }
  EXPECT_EQ(channels_.size(), 0U);
}

TEST_F(JoinedChannelsTest, CursorNotAboveTheLastIsRefused) {
  EXPECT_EQ(channels_.publish(channels_.open("a"), "m", kBegin).refusal.status, 409);
  EXPECT_EQ(channels_.size(), 0U) << "a channel was opened for nothing";
  publish("a", {2000, 1});
  EXPECT_EQ(channels_.publish(channels_.open("a"), "m", {2000, 1}).refusal.status, 409);
  EXPECT_EQ(channels_.open("a").log.size(), 1U);
}

TEST_F(JoinedChannelsTest, ForgottenChannelIsStillWaitedAheadOf) {
  publish("a", {2000, 0});
  wait(channels_.open("a"), {3000, 0}, 1);
  for (std::size_t i = 0; i < kMostChannels; ++i) publish(name_of(i), {2000, i + 1});
  EXPECT_EQ(channels_.open("a").log.size(), 0U);
  EXPECT_EQ(publish("a", {3000, 1}), std::vector{1});
}

}  // namespace
}  // namespace comet::core
