// Percentiles and medians: see statistics.hpp.
#include "loadgen/results/statistics.hpp"

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
#include <numeric>

namespace comet::loadgen {
namespace {

constexpr std::size_t kResamples = 2000;

// How many of `count` values the interval leaves out at each end; a half where it begins between two of an even number.
double left_out(std::size_t count) {
  std::vector<double> ranks(count);
  std::iota(ranks.begin(), ranks.end(), 1);
  return bootstrap_median(ranks).low - 1;
}

double log_choose(double all, double some) {
  return std::lgamma(all + 1) - std::lgamma(some + 1) - std::lgamma(all - some + 1);
}

// The share of all orders of `below` and `above` values in which the interval of the ones ends before that of the
// others begins: at most `out_below` of `below` come after the one of `above` with `out_above` before it.
double chance_below(double below, double out_below, double above, double out_above) {
  double chance = 0;
  for (int i = 0; i <= static_cast<int>(out_below); ++i) {
    const double after = i;
    chance += std::exp(log_choose(below - after + out_above, out_above) +
                       log_choose(after + above - out_above - 1, after) - log_choose(below + above, below));
  }
  return chance;
}

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

Interval bootstrap_median(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (values.size() < kEnoughRepeats) return {median(values), *low, *high};
  boost::random::mt19937 random;  // Boost's distributions, unlike the standard's, are the same everywhere
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

double chance_apart(std::size_t a, std::size_t b) {
  const auto count_a = static_cast<double>(a);
  const auto count_b = static_cast<double>(b);
  const double out_a = left_out(a);
  const double out_b = left_out(b);
  const auto chance = [&](double whole_a, double whole_b) {
    return chance_below(count_a, whole_a, count_b, whole_b) +
           chance_below(count_b, whole_b, count_a, whole_a);
  };
  // Halves: between the chances of one fewer and one more.
  return std::sqrt(chance(std::floor(out_a), std::floor(out_b)) * chance(std::ceil(out_a), std::ceil(out_b)));
}

}  // namespace comet::loadgen
