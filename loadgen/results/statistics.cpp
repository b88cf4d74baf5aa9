// Percentiles and medians: see statistics.hpp.
#include "loadgen/results/statistics.hpp"

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>

namespace comet::loadgen {
namespace {

constexpr std::size_t kResamples = 2000;

}  // namespace

std::int64_t percentile(const std::vector<std::int64_t>& sorted, double percent) {
  const double rank = std::ceil(percent / 100.0 * static_cast<double>(sorted.size()) - 1e-9);
  const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return sorted[std::min(index, sorted.size() - 1)];
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<double> ratios_by_repeat(const ByRepeat& own, const ByRepeat& other) {
  std::vector<double> ratios;
  for (const auto& [repeat, value] : own)
    if (const auto found = other.find(repeat); found != other.end() && found->second > 0)
      ratios.push_back(value / found->second);
  return ratios;
}

Interval bootstrap_median(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (values.size() < kEnoughRepeats) return {median(values), *low, *high};
  boost::random::mt19937 random;  // unlike the standard's distributions, Boost's are the same everywhere
  boost::random::uniform_int_distribution<std::size_t> index(0, values.size() - 1);
  std::vector<double> medians, resample(values.size());
  for (std::size_t i = 0; i < kResamples; ++i) {
    std::generate(resample.begin(), resample.end(), [&] { return values[index(random)]; });
    medians.push_back(median(resample));
  }
  std::sort(medians.begin(), medians.end());
  const std::size_t tail = kResamples / 40;  // 2.5% on each side
  return {median(values), medians[tail], medians[kResamples - 1 - tail]};
}

}  // namespace comet::loadgen
