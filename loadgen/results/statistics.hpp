// Statistics: percentiles, medians and their intervals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace comet::loadgen {

// Nearest rank: the smallest sample that at least `percent` of all samples do not exceed. 0 < percent <= 100.
// `sorted` is ascending and not empty.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, double percent);

// The middle value, or the mean of the two middle ones. `values` is not empty.
double median(std::vector<double> values);

using ByRepeat = std::map<int, double>;  // a figure, by the number of the repeat

// own / other of each repeat in which both are known and `other` is above 0. The machine's speed, which
// changes from one repeat to the next, cancels out.
std::vector<double> ratios_by_repeat(const ByRepeat& own, const ByRepeat& other);

// A median, and the interval in which the median of the whole population is estimated to be.
struct Interval {
  double median, low, high;
};

// With fewer values even the widest interval of a bootstrap, smallest..largest, holds the median far less
// often than 95%.
constexpr std::size_t kEnoughRepeats = 5;

// The 95% interval of the percentile bootstrap, with a fixed seed: the same values give the same interval.
// With up to 5 values it is smallest..largest, which holds the median with a probability of 1 - 2 / 2^n:
// 93.75% with 5 values, 87.5% with 4. `values` is not empty.
Interval bootstrap_median(const std::vector<double>& values);

}  // namespace comet::loadgen
