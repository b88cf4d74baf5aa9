// Exact statistics from all samples.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace comet {

// The smallest sample that at least `percent` (0 < percent <= 100) of all samples do not exceed (nearest
// rank). `sorted` is ascending and not empty.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, double percent);

// The middle value, or the mean of the two middle ones. `values` is not empty.
double median(std::vector<double> values);

// A median and the range that it lies in with 95% confidence.
struct Interval {
  double median, low, high;
};

// The bootstrap of fewer values than this has no 95% interval: its widest, minimum..maximum, covers less (87.5%
// for 4).
constexpr std::size_t kEnoughRepeats = 5;

// By the percentile bootstrap, with a fixed seed: the same values give the same interval. Of fewer than
// kEnoughRepeats it is minimum..maximum. `values` is not empty.
Interval bootstrap_median(const std::vector<double>& values);

}  // namespace comet
