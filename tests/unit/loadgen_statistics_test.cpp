// Exact percentiles, medians and their intervals.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
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

TEST(LoadgenStatistics, RangesLieApartByChanceInTwoOfAllTheirOrders) {
  EXPECT_NEAR(chance_apart(1, 1), 1, 1e-12);
  EXPECT_NEAR(chance_apart(3, 3), 1.0 / 10, 1e-12);
  EXPECT_NEAR(chance_apart(4, 4), 1.0 / 35, 1e-12);
  EXPECT_NEAR(chance_apart(5, 5), 1.0 / 126, 1e-12);
  EXPECT_NEAR(chance_apart(4, 5), 1.0 / 63, 1e-12);
}

// The order of values decides where an odd number of them is compared: each order is as likely as any other.
TEST(LoadgenStatistics, IntervalsWithinTheRangeLieApartAsOftenAsChanceSays) {
  boost::random::mt19937 random;
  std::vector<double> values(7 + 9);
  std::iota(values.begin(), values.end(), 1);
  constexpr int kTrials = 1000;
  int apart = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    for (std::size_t i = values.size() - 1; i > 0; --i)
      std::swap(values[i], values[boost::random::uniform_int_distribution<std::size_t>(0, i)(random)]);
    const Interval a = bootstrap_median({values.begin(), values.begin() + 7});
    const Interval b = bootstrap_median({values.begin() + 7, values.end()});
    if (a.high < b.low || b.high < a.low) ++apart;
  }
  const double chance = chance_apart(7, 9);
  EXPECT_GT(chance, chance_apart(5, 5));
  EXPECT_NEAR(static_cast<double>(apart) / kTrials, chance, 4 * std::sqrt(chance / kTrials));
}

}  // namespace
}  // namespace comet::loadgen
