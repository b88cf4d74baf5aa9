// All channels of a server: making and dropping them, and what is forgotten first where they grow too
// many or too big.
#include <gtest/gtest.h>

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
  const Message& second = *channels.publish(channel, "2");
  EXPECT_EQ(channel.log.size(), 1U);
  EXPECT_EQ(channel.log.first_after({}).message, &second);
}

TEST(Channels, MessagesAnnounceTheIdleTimeOfTheOptions) {
  TestChannels channels({.history = 1, .idle_timeout = Milliseconds(12900)}, kBegin);
  const Message& message = *channels.publish(channels.open("a"), "m");
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
  const Cursor end = channels.publish(first, "lost")->cursor;
  for (std::size_t i = 0; i < kMostChannels; ++i) channels.publish(channels.open(name_of(i)), "x");

  auto& again = channels.open("first");
  EXPECT_EQ(again.log.size(), 0U);
  EXPECT_TRUE(again.log.first_after(before).missed);
  EXPECT_FALSE(again.log.first_after(end).missed) << "whoever saw its last message missed nothing";
  EXPECT_GT(channels.publish(again, "new")->cursor, end);
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
  EXPECT_EQ(channels.publish(channel, kTooLong), nullptr);
  EXPECT_EQ(channel.log.size(), 1U);
  EXPECT_EQ(channel.log.last(), last);
  EXPECT_GT(channels.publish(channel, "2")->cursor, last);
  EXPECT_EQ(channel.log.size(), 2U);
}

TEST(Channels, AChannelOpenedForAMessageThatDoesNotFitIsGone) {
  TestChannels channels({.history = 2}, kBegin);
  EXPECT_EQ(channels.publish(channels.open("a"), kTooLong), nullptr);
  EXPECT_EQ(channels.size(), 0U);
  EXPECT_NE(channels.publish(channels.open("a"), "1"), nullptr);
}

}  // namespace
}  // namespace comet::core
