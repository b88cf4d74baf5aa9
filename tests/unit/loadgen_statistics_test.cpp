// Exact percentiles, medians and their intervals.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "loadgen/results/statistics.hpp"

namespace comet::loadgen {
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

TEST(LoadgenStatistics, OfUpToFiveValuesTheIntervalIsSmallestToLargest) {
  std::vector<double> values;
  for (const double value : {4, 2, 5, 1, 3}) {
    values.push_back(value);
    const Interval interval = bootstrap_median(values);
    EXPECT_DOUBLE_EQ(interval.median, median(values));
    EXPECT_EQ(interval.low, *std::min_element(values.begin(), values.end()));
    EXPECT_EQ(interval.high, *std::max_element(values.begin(), values.end()));
  }
}

}  // namespace
}  // namespace comet::loadgen
