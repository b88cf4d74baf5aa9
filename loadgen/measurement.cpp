// Distributions: see measurement.hpp.
#include "loadgen/measurement.hpp"

#include <algorithm>

#include "loadgen/statistics.hpp"

namespace comet {

std::optional<Distribution> distribution_of(std::vector<std::int64_t>& samples_ns) {
  if (samples_ns.empty()) return std::nullopt;
  std::sort(samples_ns.begin(), samples_ns.end());
  const auto at = [&samples_ns](double percent) {
    return static_cast<double>(percentile(samples_ns, percent)) / 1e3;
  };
  Distribution result{at(50), at(90), at(99), at(99.9), at(100), {}};
  result.curve.emplace_back(0, static_cast<double>(samples_ns.front()) / 1e3);
  for (const double percent :
       {1.0,  2.0,  5.0,  10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0,  60.0,  65.0,
        70.0, 75.0, 80.0, 85.0, 90.0, 92.5, 95.0, 97.0, 98.0, 99.0, 99.5, 99.9, 99.95, 99.99, 100.0})
    result.curve.emplace_back(percent, at(percent));
  return result;
}

std::optional<double> MemoryFigures::per_held(std::optional<std::int64_t> bytes, std::int64_t count) const {
  if (!bytes || !at_rest || count == 0) return std::nullopt;
  return static_cast<double>(*bytes - *at_rest) / static_cast<double>(count);
}

}  // namespace comet
