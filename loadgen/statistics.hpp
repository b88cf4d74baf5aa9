// Exact statistics from all samples.
#pragma once

#include <cstdint>
#include <vector>

namespace comet {

// The smallest sample that at least `percent` (0 < percent <= 100) of all samples do not exceed (nearest
// rank). `sorted` is ascending and not empty.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, double percent);

// The middle value, or the mean of the two middle ones. `values` is not empty.
double median(std::vector<double> values);

}  // namespace comet
