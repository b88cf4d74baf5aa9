// From replies to events: the beginning, the order, the gaps, and going on over a new connection.
#include <gtest/gtest.h>

#include "bus/stream_reader.hpp"
#include "tests/unit/bus_replies.hpp"

namespace comet::bus {
namespace {

// An event in a word.
std::string described(const Event& event) {
  if (const auto* begins = std::get_if<Begins>(&event)) return "begins " + core::to_string(begins->cursor);
  if (const auto* entry = std::get_if<Entry>(&event)) return entry->body;
  return "caught up";
}

class StreamReaderTest : public testing::Test {
 protected:
  std::vector<std::string> take(const Reply& reply) {
    auto step = reader_.take(reply);
    command_ = step.command;
    std::vector<std::string> events;
    for (const Event& event : step.events) events.push_back(described(event));
    return events;
  }
  bool asks(std::string_view word) const { return command_.find(word) != std::string::npos; }
  // Reads entry 5-0, the epoch's first, and is at the stream's end.
  void begin() {
    command_ = reader_.connect("new");
    take(list({text("e"), text("5-0")}));
    take(list({stream_entry("5-0", 0)}));
    take({});
  }

  using Words = std::vector<std::string>;
  StreamReader reader_{1000, 1000};
  std::string command_;
};

TEST_F(StreamReaderTest, BeginsAtTheFirstEntryAndFollowsTheEnd) {
  command_ = reader_.connect("new");
  EXPECT_TRUE(asks("EVAL")) << command_;
  EXPECT_EQ(take(list({text("e"), text("7-0")})), Words{});
  EXPECT_TRUE(asks("XRANGE")) << command_;
  EXPECT_EQ(take(list({stream_entry("5-0", 0)})), Words{"begins 5-0"});
  EXPECT_TRUE(asks("XREAD") && asks("5-0") && !asks("BLOCK")) << command_;
  EXPECT_EQ(take(read_reply({stream_entry("6-0", 1), stream_entry("7-0", 2)})), (Words{"m1", "m2"}));
  EXPECT_TRUE(asks("7-0") && !asks("BLOCK")) << command_;
  EXPECT_EQ(take({}), Words{"caught up"});
  EXPECT_TRUE(asks("7-0") && asks("BLOCK")) << command_;
  EXPECT_EQ(take(read_reply({stream_entry("8-0", 3)})), Words{"m3"});
  EXPECT_TRUE(asks("8-0") && asks("BLOCK")) << command_;
  EXPECT_EQ(take({}), Words{"caught up"});
  EXPECT_EQ(reader_.seen(), (Cursor{8, 0}));
}

TEST_F(StreamReaderTest, ATrimmedStreamBeginsBehindItsFirstEntry) {
  reader_.connect("new");
  take(list({text("e"), text("9-0")}));
  EXPECT_EQ(take(list({stream_entry("8-3", 41)})), Words{"begins 8-3"});
  EXPECT_EQ(take(read_reply({stream_entry("9-0", 42)})), Words{"m42"});
}

TEST_F(StreamReaderTest, GoesOnFromItsPositionOverANewConnection) {
  begin();
  take(read_reply({stream_entry("6-0", 1)}));
  command_ = reader_.connect("new");
  EXPECT_TRUE(asks("6-0")) << "Redis is not told what was seen: " << command_;
  EXPECT_EQ(take(list({text("e"), text("7-0")})), Words{});
  EXPECT_TRUE(asks("XREAD") && asks("6-0") && !asks("BLOCK")) << command_;
  EXPECT_EQ(take(read_reply({stream_entry("7-0", 2)})), Words{"m2"});
}

TEST_F(StreamReaderTest, AnotherEpochOverANewConnectionBeginsAnew) {
  begin();
  reader_.connect("new");
  take(list({text("f"), text("9-0")}));
  EXPECT_TRUE(asks("XRANGE")) << command_;
  EXPECT_EQ(take(list({stream_entry("9-0", 0, "f")})), Words{"begins 9-0"});
}

TEST_F(StreamReaderTest, AGapInTheNumbersBeginsAnewAndSkipsNothing) {
  begin();
  EXPECT_EQ(take(read_reply({stream_entry("6-0", 1), stream_entry("8-0", 3), stream_entry("9-0", 4)})),
            Words{"m1"});
  EXPECT_TRUE(asks("XRANGE")) << command_;
  EXPECT_EQ(take(list({stream_entry("8-0", 3)})), Words{"begins 8-0"});
  EXPECT_EQ(take(read_reply({stream_entry("9-0", 4)})), Words{"m4"});
}

TEST_F(StreamReaderTest, NumbersThatFallAndOtherEpochsBeginAnew) {
  for (const Reply& entry :
       {stream_entry("6-0", 0), stream_entry("6-0", 1, "f"), stream_entry("6-0", 0, "f")}) {
    begin();
    EXPECT_EQ(take(read_reply({entry})), Words{});
    EXPECT_TRUE(asks("XRANGE")) << command_;
  }
}

TEST_F(StreamReaderTest, WhatWasSeenNeverFalls) {
  begin();
  take(read_reply({stream_entry("90-0", 1)}));
  reader_.connect("new");
  take(list({text("f"), text("91-0")}));
  take(list({stream_entry("50-0", 7, "f")}));
  EXPECT_EQ(reader_.seen(), (Cursor{90, 0}));
}

TEST_F(StreamReaderTest, AnErrorOrNonsenseEndsTheConnection) {
  reader_.connect("new");
  EXPECT_THROW(reader_.take(error("LOADING Redis is loading the dataset in memory")), WireError);
  reader_.connect("new");
  EXPECT_THROW(reader_.take(text("OK")), WireError);
  begin();
  EXPECT_THROW(reader_.take(error("UNBLOCKED")), WireError);
}

}  // namespace
}  // namespace comet::bus
