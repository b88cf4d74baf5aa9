// Commands and replies as bytes, and what is made of entries.
#include <gtest/gtest.h>

#include "bus/entry.hpp"
#include "tests/unit/bus_replies.hpp"

namespace comet::bus {
namespace {

using namespace std::string_literals;

TEST(BusWire, CommandIsAListOfTextsOfAnyBytes) {
  EXPECT_EQ(format_command({"XREAD", std::string_view("a\0\r\n", 4), ""}),
            "*3\r\n$5\r\nXREAD\r\n$4\r\na\0\r\n\r\n$0\r\n\r\n"s);
}

TEST(BusWire, RepliesComeInPiecesAndSeveralAtOnce) {
  const std::string bytes = "+OK\r\n$3\r\na\r\n\r\n:-7\r\n*2\r\n$-1\r\n*1\r\n+x\r\n-ERR no\r\n*-1\r\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    ReplyReader reader;
    std::vector<Reply> replies;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      reader.feed(std::string_view(bytes).substr(at, piece));
      while (auto reply = reader.next()) replies.push_back(*std::move(reply));
    }
    ASSERT_EQ(replies.size(), 6U) << piece;
    EXPECT_EQ(replies[0].kind, Reply::Kind::status);
    EXPECT_EQ(replies[1].text, "a\r\n");
    EXPECT_EQ(replies[2].integer, -7);
    EXPECT_EQ(replies[3].items.at(0).kind, Reply::Kind::nil);
    EXPECT_EQ(replies[3].items.at(1).items.at(0).text, "x");
    EXPECT_EQ(replies[4].kind, Reply::Kind::error);
    EXPECT_EQ(replies[4].text, "ERR no");
    EXPECT_EQ(replies[5].kind, Reply::Kind::nil);
  }
}

TEST(BusWire, WhatIsNoReplyEndsTheConnection) {
  for (const char* bytes : {"HTTP/1.1 400 Bad Request\r\n", "$x\r\n", "*99999999999999999999\r\n"}) {
    ReplyReader reader;
    EXPECT_THROW(
        {
          reader.feed(bytes);
          reader.next();
        },
        WireError)
        << bytes;
  }
}

TEST(BusEntry, HasWhatItWasPublishedWith) {
  const auto entries = entries_of(list({stream_entry("5-1", 0), stream_entry("7-0", 1)}));
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_FALSE(entries[0].is_message());
  EXPECT_EQ(entries[1].cursor, (Cursor{7, 0}));
  EXPECT_EQ(entries[1].n, 1U);
  EXPECT_EQ(entries[1].epoch, "e");
  EXPECT_EQ(entries[1].channel, "all");
  EXPECT_EQ(entries[1].origin, "o");
  EXPECT_EQ(entries[1].body, "m1");
  EXPECT_TRUE(read_entries_of({}).empty());
}

TEST(BusEntry, OfAnotherProgramIsRefused) {
  for (const Reply& reply :
       {error("LOADING wait"), text("x"), list({text("x")}), list({list({text("x"), list({})})}),
        list({list({text("1-1"), list({text("n"), text("1"), text("epoch"), text("e")})})}),
        list({list({text("1-1"), list({text("n"), text("1"), text("epoch"), text("e"), text("channel"),
                                       text("a&message=b")})})}),
        list({list({text("1-1"), list({text("n"), text("x"), text("epoch"), text("e")})})}),
        list({list({text("1-1"), list({text("a"), text("b"), text("c"), text("d")})})})}) {
    EXPECT_THROW(entries_of(reply), WireError);
  }
}

}  // namespace
}  // namespace comet::bus
