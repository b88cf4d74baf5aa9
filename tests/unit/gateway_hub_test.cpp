// The gateway's hub: who is told of a message, what is replayed behind a cursor, and when a gap is told.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "nodes/gateway/hub.hpp"

namespace comet::gateway {
namespace {

using Bodies = std::vector<std::string>;

struct Kept final : Receiver {
  void take(const ChannelMessage& message) override { got.push_back(message.body()); }
  void miss() override { got.emplace_back("missed"); }
  Bodies got;
};

class HubTest : public testing::Test {
 protected:
  void begin(std::uint64_t milliseconds) {
    hub_.handle(bus::Begins{{milliseconds, 0}});
    hub_.handle(bus::CaughtUp{});
  }
  void bring(std::uint64_t milliseconds, const std::string& channel, const std::string& body) {
    hub_.handle(bus::Entry{{milliseconds, 0}, ++number_, "e", channel, "o", body});
  }
  Bodies replayed(const std::string& channel, core::Cursor since) {
    Kept receiver;
    hub_.replay(channel, since, receiver);
    return receiver.got;
  }

  core::Options options_{.history = 2};
  Hub hub_{options_};
  std::uint64_t number_ = 0;
};

TEST_F(HubTest, OpensWhenTheStreamHasBeenReadToItsEnd) {
  EXPECT_FALSE(hub_.is_open());
  hub_.handle(bus::Begins{{5, 0}});
  EXPECT_FALSE(hub_.is_open());
  hub_.handle(bus::CaughtUp{});
  EXPECT_TRUE(hub_.is_open());
}

TEST_F(HubTest, TellsThoseWhoJoinedTheChannelOrAPatternOfIt) {
  begin(1);
  const std::vector<std::pair<std::string, Bodies>> expected{
      {"a.b.c", {"abc"}},         {"a.b.*", {"abc"}}, {"a.b.**", {"abc"}},
      {"a.**", {"ab", "abc"}},    {"a.*", {"ab"}},    {"*", {"x"}},
      {"**", {"ab", "abc", "x"}}, {"a.b", {"ab"}},    {"a.b.c.**", Bodies{}},
      {"b.*", Bodies{}},          {"a", Bodies{}}};
  std::vector<Kept> receivers(expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) hub_.join(expected[i].first, receivers[i]);
  bring(2, "a.b", "ab");
  bring(3, "a.b.c", "abc");
  bring(4, "x", "x");
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(receivers[i].got, expected[i].second) << expected[i].first;
  }
}

TEST_F(HubTest, TellsAReceiverOnceWhateverItHasJoined) {
  begin(1);
  Kept receiver;
  for (const char* pattern : {"a.b", "a.*", "a.**", "**"}) hub_.join(pattern, receiver);
  bring(2, "a.b", "m");
  EXPECT_EQ(receiver.got, Bodies{"m"});
}

TEST_F(HubTest, TellsNobodyWhoHasLeft) {
  begin(1);
  Kept stays, leaves;
  hub_.join("a", stays);
  hub_.join("a", leaves);
  hub_.leave("a", leaves);
  hub_.leave("never joined", leaves);
  bring(2, "a", "m");
  EXPECT_EQ(stays.got, Bodies{"m"});
  EXPECT_EQ(leaves.got, Bodies{});
}

TEST_F(HubTest, ReplaysWhatCameAfterACursor) {
  begin(1);
  bring(2, "a", "first");
  bring(3, "a", "second");
  EXPECT_EQ(replayed("a", {2, 0}), Bodies{"second"});
  EXPECT_EQ(replayed("a", {3, 0}), Bodies{});
  EXPECT_EQ(replayed("a", {}), (Bodies{"first", "second"}));
  EXPECT_EQ(replayed("a", {9, 0}), Bodies{});  // another gateway has had that already
  EXPECT_EQ(replayed("empty", {1, 0}), Bodies{});
}

TEST_F(HubTest, TellsOfAGapBeforeWhatIsLeft) {
  begin(1);
  for (const std::uint64_t i : {2, 3, 4}) bring(i, "a", std::to_string(i));
  EXPECT_EQ(replayed("a", {1, 0}), (Bodies{"missed", "3", "4"}));
  EXPECT_EQ(replayed("a", {2, 0}), (Bodies{"3", "4"}));
}

TEST_F(HubTest, ALogThatBeginsAnewIsToldToEverybodyOnceAndForgetsWhatWas) {
  Kept receiver;
  hub_.join("a", receiver);
  hub_.join("**", receiver);
  begin(1);
  EXPECT_EQ(receiver.got, Bodies{});  // nobody can have missed anything of the first one
  bring(2, "a", "old");
  begin(10);
  EXPECT_EQ(receiver.got, (Bodies{"old", "missed"}));
  EXPECT_EQ(replayed("a", {}), Bodies{});
  EXPECT_EQ(replayed("a", {2, 0}), Bodies{"missed"});
}

TEST_F(HubTest, ItsEndIsTheNewestCursorOfAllAndNeverFalls) {
  begin(1);
  bring(7, "a", "m");
  EXPECT_EQ(hub_.end(), (core::Cursor{7, 0}));
  begin(3);
  EXPECT_EQ(hub_.end(), (core::Cursor{7, 0}));
}

}  // namespace
}  // namespace comet::gateway
