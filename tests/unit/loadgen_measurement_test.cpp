// Distributions, memory per held request, and the content of messages.
#include <gtest/gtest.h>

#include <numeric>

#include "loadgen/clients/message.hpp"
#include "loadgen/results/measurement.hpp"

namespace comet::loadgen {
namespace {

TEST(LoadgenDistribution, IsExactAndInMicroseconds) {
  std::vector<std::int64_t> samples(1000);
  std::iota(samples.rbegin(), samples.rend(), 1);
  for (std::int64_t& sample : samples) sample *= 1000;
  const auto figures = distribution_of(samples);
  ASSERT_TRUE(figures);
  EXPECT_DOUBLE_EQ(figures->p50_us, 500);
  EXPECT_DOUBLE_EQ(figures->p999_us, 999);
  EXPECT_DOUBLE_EQ(figures->max_us, 1000);
}

TEST(LoadgenDistribution, TheCurveRisesFromTheSmallestToTheLargestSample) {
  std::vector<std::int64_t> samples{9000, 1000, 5000};
  const auto figures = distribution_of(samples);
  ASSERT_TRUE(figures);
  EXPECT_GE(figures->curve.size(), 30u);
  EXPECT_EQ(figures->curve.front(), (std::pair<double, double>(0, 1)));
  EXPECT_EQ(figures->curve.back(), (std::pair<double, double>(100, 9)));
  for (std::size_t i = 1; i < figures->curve.size(); ++i) {
    EXPECT_GT(figures->curve[i].first, figures->curve[i - 1].first);
    EXPECT_GE(figures->curve[i].second, figures->curve[i - 1].second);
  }
}

TEST(LoadgenDistribution, OfNoSamplesIsNone) {
  std::vector<std::int64_t> none;
  EXPECT_FALSE(distribution_of(none));
}

TEST(LoadgenMemory, IsPerHeldRequestOverTheValueAtRest) {
  MemoryFigures memory;
  EXPECT_FALSE(memory.per_held(6000, 10));
  memory.at_rest = 1000;
  EXPECT_DOUBLE_EQ(*memory.per_held(6000, 10), 500);
  EXPECT_FALSE(memory.per_held(std::nullopt, 10));
  EXPECT_FALSE(memory.per_held(6000, 0));
}

// 10 samples for each second; memory in MiB at the start of each generation of a second.
std::vector<Point> churn(const std::vector<double>& mebibytes) {
  std::vector<Point> points;
  for (std::size_t generation = 0; generation + 1 < mebibytes.size(); ++generation)
    for (int i = 0; i < 10; ++i) {
      const double step = (mebibytes[generation + 1] - mebibytes[generation]) * i / 10;
      points.push_back({static_cast<double>(generation) + i / 10.0,
                        500,
                        static_cast<std::int64_t>((mebibytes[generation] + step) * 1024 * 1024),
                        {}});
    }
  return points;
}

TEST(LoadgenChurn, MemoryThatGrowsWithEachGenerationIsSaid) {
  const std::string note = growth_note(churn({1, 4, 6, 8, 10, 12}), 1, 5);
  EXPECT_EQ(
      note,
      "user memory did not come back: 4.9 MiB in the second generation of requests, 10.9 MiB in number 5");
}

TEST(LoadgenChurn, APoolThatFillsInAStepIsNoGrowth) {
  EXPECT_EQ(growth_note(churn({1, 9, 9, 9, 9, 9}), 1, 5), "");
  EXPECT_EQ(growth_note(churn({1, 5, 5, 9, 9, 9}), 1, 5), "");
  EXPECT_EQ(growth_note(churn({1, 5, 5, 5, 9, 9}), 1, 5), "");
}

TEST(LoadgenChurn, MemoryThatMovesWithinAGenerationAsMuchIsNoise) {
  EXPECT_EQ(growth_note(churn({1, 5, 8, 5, 6, 9}), 1, 5), "");
}

TEST(LoadgenChurn, ThreeGenerationsTellNothing) { EXPECT_EQ(growth_note(churn({1, 5, 9, 13}), 1, 3), ""); }

TEST(LoadgenMessage, SaysWhichOneItIs) {
  const std::string body = message_body({7, 123});
  EXPECT_EQ(body.size(), 64u);
  const auto number = message_number(body);
  ASSERT_TRUE(number);
  EXPECT_EQ(number->channel, 7u);
  EXPECT_EQ(number->sequence, 123u);
}

TEST(LoadgenMessage, ThatDiffersInAByteIsNone) {
  std::string body = message_body({7, 123});
  body.back() ^= 1;
  EXPECT_FALSE(message_number(body));
  EXPECT_FALSE(message_number(message_body({7, 123}) + "x"));
  EXPECT_FALSE(message_number(""));
  EXPECT_FALSE(message_number("first message"));
}

// User and kernel memory of one row are of one moment.
TEST(LoadgenMeasurement, MemoryIsReadAfterTheMessagesExceptInChurnWhereAllHaveLeft) {
  Measurement result;
  const MemoryFigures both{1, 20, 30}, before{1, 20, {}};
  EXPECT_EQ(result.last_while_held(both), 30);
  EXPECT_EQ(result.last_while_held(before), 20);
  result.points = {{{}, 100, 20, 20}};  // hold
  EXPECT_EQ(result.last_while_held(both), 30);
  result.points = {{0.0, 0, 1, 1}};  // churn
  EXPECT_EQ(result.last_while_held(both), 20);
}

}  // namespace
}  // namespace comet::loadgen
