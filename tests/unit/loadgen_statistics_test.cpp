// Exact percentiles, medians, and the summary made of them.
#include <gtest/gtest.h>

#include <numeric>

#include "loadgen/measurement.hpp"
#include "loadgen/statistics.hpp"

namespace comet {
namespace {

std::vector<std::int64_t> one_to(std::int64_t last) {
  std::vector<std::int64_t> values(static_cast<std::size_t>(last));
  std::iota(values.begin(), values.end(), 1);
  return values;
}

TEST(LoadgenStatistics, PercentileIsTheNearestRank) {
  EXPECT_EQ(percentile(one_to(100), 50), 50);
  EXPECT_EQ(percentile(one_to(100), 99), 99);
  EXPECT_EQ(percentile(one_to(100), 99.9), 100);
  EXPECT_EQ(percentile(one_to(1000), 99.9), 999);
  EXPECT_EQ(percentile(one_to(5), 50), 3);
  EXPECT_EQ(percentile(one_to(5), 100), 5);
}

TEST(LoadgenStatistics, OneSampleIsEveryPercentile) {
  for (const double percent : {0.1, 50.0, 99.9, 100.0}) EXPECT_EQ(percentile({7}, percent), 7);
}

TEST(LoadgenStatistics, MedianOfAnEvenCountIsTheMeanOfTheMiddleTwo) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 1, 3, 2}), 2.5);
}

TEST(LoadgenStatistics, TheBootstrapIntervalHoldsTheMedianAndIgnoresAnOutlier) {
  const Interval interval = bootstrap_median({10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 1000});
  EXPECT_DOUBLE_EQ(interval.median, 15);
  EXPECT_GE(interval.low, 11);
  EXPECT_LE(interval.low, 13);
  EXPECT_GE(interval.high, 17);
  EXPECT_LE(interval.high, 19);
}

TEST(LoadgenStatistics, TheBootstrapIntervalIsTheSameEveryTime) {
  const std::vector<double> values{3, 1, 4, 1, 5, 9, 2};
  EXPECT_EQ(bootstrap_median(values).low, bootstrap_median(values).low);
  EXPECT_EQ(bootstrap_median(values).high, bootstrap_median(values).high);
}

TEST(LoadgenStatistics, TheBootstrapIntervalNarrowsWithTheNumberOfValues) {
  const auto width = [](std::size_t count) {
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i % 10));
    const Interval interval = bootstrap_median(values);
    return interval.high - interval.low;
  };
  EXPECT_LT(width(200), width(10));
}

TEST(LoadgenStatistics, WithFewerThanThreeValuesTheIntervalIsMinimumToMaximum) {
  EXPECT_EQ(bootstrap_median({7}).low, 7);
  EXPECT_EQ(bootstrap_median({7}).high, 7);
  const Interval two = bootstrap_median({4, 2});
  EXPECT_DOUBLE_EQ(two.median, 3);
  EXPECT_EQ(two.low, 2);
  EXPECT_EQ(two.high, 4);
}

Round round_of(std::int64_t duration_ns, std::int64_t delivered, std::int64_t lost) {
  Round round;
  round.duration_ns = duration_ns;
  round.expected = delivered + lost;
  round.delivered = delivered;
  round.lost = lost;
  return round;
}

TEST(LoadgenSummary, TheWarmUpIsAccountedForButNotTimed) {
  Measurement measurement;
  measurement.rounds = {round_of(900'000'000, 9, 1), round_of(10'000'000, 10, 0),
                        round_of(20'000'000, 10, 0)};
  const Summary summary = summarize(measurement);
  EXPECT_EQ(summary.expected, 30);
  EXPECT_EQ(summary.delivered, 29);
  EXPECT_EQ(summary.lost, 1);
  EXPECT_DOUBLE_EQ(*summary.rate_minimum, 500);
  EXPECT_DOUBLE_EQ(*summary.rate_maximum, 1000);
  EXPECT_DOUBLE_EQ(*summary.rate_median, 750);
  EXPECT_NEAR(*summary.rate_total, 20 / 0.03, 1e-6);
}

TEST(LoadgenSummary, ARoundThatBrokeOffHasNoRate) {
  Measurement measurement;
  measurement.rounds = {round_of(1'000'000, 10, 0), round_of(0, 4, 6)};
  const Summary summary = summarize(measurement);
  EXPECT_FALSE(summary.rate_median);
  EXPECT_EQ(summary.lost, 6);
}

TEST(LoadgenSummary, WhatWasNotMeasuredStaysEmpty) {
  Measurement measurement;
  measurement.held = 10;
  measurement.user.at_rest = 1000;
  const Summary summary = summarize(measurement);
  EXPECT_FALSE(summary.rate_median);
  EXPECT_FALSE(summary.latency_p50_us);
  EXPECT_FALSE(summary.server_cpu_us);
  EXPECT_FALSE(summary.user_bytes_after);
  EXPECT_FALSE(summary.kernel_bytes_before);
}

TEST(LoadgenSummary, MemoryIsPerHeldRequestOverTheValueAtRest) {
  Measurement measurement;
  measurement.held = 10;
  measurement.user.at_rest = 1000;
  measurement.user.before_rounds = 2000;
  measurement.user.after_rounds = 6000;
  const Summary summary = summarize(measurement);
  EXPECT_DOUBLE_EQ(*summary.user_bytes_before, 100);
  EXPECT_DOUBLE_EQ(*summary.user_bytes_after, 500);
}

TEST(LoadgenSummary, AGeneratorThatUsedUpItsCoreIsNamedTheLimitUnlessTheServerDidToo) {
  Measurement measurement;
  measurement.latencies_ns = one_to(100);
  measurement.wall_ns = 1'000'000'000;
  measurement.generator_cpu_ns = 990'000'000;
  measurement.server_cpu_ns = 400'000'000;
  EXPECT_TRUE(summarize(measurement).generator_limited);
  measurement.server_cpu_ns = 990'000'000;
  EXPECT_FALSE(summarize(measurement).generator_limited);
}

}  // namespace
}  // namespace comet
