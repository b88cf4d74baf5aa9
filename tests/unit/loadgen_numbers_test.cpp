// Numbers as people and programs read them.
#include <gtest/gtest.h>

#include <cstdint>

#include "loadgen/numbers.hpp"

namespace comet::loadgen {
namespace {

TEST(LoadgenNumbers, HaveCommasByThousands) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(-123), "-123");
  EXPECT_EQ(with_commas(-1234567), "-1,234,567");
  EXPECT_EQ(with_commas(INT64_MAX), "9,223,372,036,854,775,807");  // a limit that is none
}

TEST(LoadgenNumbers, HaveTheDecimalsThatAreAskedFor) {
  EXPECT_EQ(with_commas(12345.678, 0), "12,346");
  EXPECT_EQ(with_commas(12345.678, 2), "12,345.68");
  EXPECT_EQ(with_commas(-0.3, 0), "0");
}

TEST(LoadgenNumbers, OfThreeDigitsKeepEveryDigitBeforeThePoint) {
  EXPECT_EQ(three_digits(12345.678), "12,346");
  EXPECT_EQ(three_digits(4.5678), "4.57");
  EXPECT_EQ(three_digits(-0.045678), "-0.0457");
  EXPECT_EQ(three_digits(7), "7");
  EXPECT_EQ(three_digits(0), "0");
}

TEST(LoadgenNumbers, AreWrittenPlainlyForPrograms) {
  EXPECT_EQ(plain_number(94000), "94000");
  EXPECT_EQ(plain_number(0.5), "0.5");
}

}  // namespace
}  // namespace comet::loadgen
