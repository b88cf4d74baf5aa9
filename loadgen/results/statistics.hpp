// Exact statistics from all samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace comet::loadgen {

// The smallest sample that at least `percent` (0 < percent <= 100) of all samples do not exceed (nearest
// rank). `sorted` is ascending and not empty.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, double percent);

// The middle value, or the mean of the two middle ones. `values` is not empty.
double median(std::vector<double> values);

// A median of values, and the range that the median of what they were drawn from is estimated to lie in.
struct Interval {
  double median, low, high;
};

// Of fewer values than this the bootstrap's widest interval, smallest..largest, is far from 95%.
constexpr std::size_t kEnoughRepeats = 5;

// 95% by the percentile bootstrap, with a fixed seed: the same values give the same interval. Of up to 5 values that is
// smallest..largest, which holds the median with a probability of 1 - 2 / 2^n: 93.75% of 5, 87.5% of 4. `values` is not
// empty.
Interval bootstrap_median(const std::vector<double>& values);

}  // namespace comet::loadgen
