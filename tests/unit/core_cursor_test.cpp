// Cursors: what is accepted, how they are printed and issued.
#include <gtest/gtest.h>

#include <limits>

#include "core/cursor.hpp"

namespace comet::core {
namespace {

constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();

TEST(Cursor, ZeroStandsBeforeEveryMessage) { EXPECT_EQ(parse_cursor("0"), (Cursor{0, 0})); }

TEST(Cursor, PrintedFormIsReadBack) {
  for (const Cursor cursor : {Cursor{0, 0}, Cursor{1, 0}, Cursor{1753000000000, 12}, Cursor{kMost, kMost}}) {
    EXPECT_EQ(parse_cursor(to_string(cursor)), cursor) << to_string(cursor);
  }
  EXPECT_EQ(to_string({1753000000000, 12}), "1753000000000-12");
}

TEST(Cursor, MalformedFormsAreNotRead) {
  using namespace std::string_view_literals;
  for (const auto text : {""sv,
                          "-"sv,
                          "1"sv,
                          "00"sv,
                          "1-"sv,
                          "-1"sv,
                          "1--1"sv,
                          "1-2-3"sv,
                          "+1-2"sv,
                          "1-+2"sv,
                          " 1-2"sv,
                          "1-2 "sv,
                          "1 -2"sv,
                          "a-b"sv,
                          "1-0x2"sv,
                          "1.5-2"sv,
                          "1-2\0"sv,
                          "\0"sv,
                          "18446744073709551616-0"sv,
                          "0-18446744073709551616"sv}) {
    EXPECT_EQ(parse_cursor(text), std::nullopt) << '"' << text << '"';
  }
}

TEST(Cursor, OrderIsByTimeThenSequence) {
  EXPECT_LT((Cursor{1, 9}), (Cursor{2, 0}));
  EXPECT_LT((Cursor{2, 0}), (Cursor{2, 1}));
}

TEST(Cursor, NextGrowsWhateverTheClockDoes) {
  EXPECT_EQ(next_cursor({5, 3}, 6), (Cursor{6, 0}));
  EXPECT_EQ(next_cursor({5, 3}, 5), (Cursor{5, 4})) << "same millisecond";
  EXPECT_EQ(next_cursor({5, 3}, 2), (Cursor{5, 4})) << "clock set back";
}

}  // namespace
}  // namespace comet::core
