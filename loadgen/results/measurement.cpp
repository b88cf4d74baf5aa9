// Distributions and the growth of memory: see measurement.hpp.
#include "loadgen/results/measurement.hpp"

#include <algorithm>

#include "loadgen/numbers.hpp"
#include "loadgen/results/statistics.hpp"

namespace comet::loadgen {
namespace {

constexpr double kMemoryNoise = kMebibyte / 4;

std::vector<double> user_bytes_in(const std::vector<Point>& points, double from_seconds, double to_seconds) {
  std::vector<double> values;
  for (const Point& point : points)
    if (point.user_bytes && point.at_seconds >= from_seconds && point.at_seconds < to_seconds)
      values.push_back(static_cast<double>(*point.user_bytes));
  return values;
}

double range(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return *high - *low;
}

}  // namespace

std::optional<Distribution> distribution_of(std::vector<std::int64_t> samples_ns) {
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

void Measurement::add_note(const std::string& text) { note += (note.empty() ? "" : "; ") + text; }

std::optional<std::int64_t> Measurement::last_while_held(const MemoryFigures& figures) const {
  const bool churn = !points.empty() && points.front().at_seconds;
  return figures.after && !churn ? figures.after : figures.held;
}

std::string growth_note(const std::vector<Point>& points, double seconds, int generations) {
  std::vector<double> medians;  // of the second to the last generation
  double noise = kMemoryNoise;
  for (int number = 2; number <= generations; ++number) {
    const std::vector<double> values = user_bytes_in(points, (number - 1) * seconds, number * seconds);
    if (values.empty()) return "";
    medians.push_back(median(values));
    if (number == 2 || number == generations) noise = std::max(noise, range(values));
  }
  if (medians.size() < 3) return "";
  const double growth = medians.back() - medians.front();
  const double least = growth / static_cast<double>(2 * (medians.size() - 1));  // half of an even share
  const auto no_rise = [least](double before, double after) { return after - before < least; };
  if (growth <= noise || std::adjacent_find(medians.begin(), medians.end(), no_rise) != medians.end())
    return "";
  const auto mebibytes = [](double bytes) { return with_commas(bytes / kMebibyte, 1) + " MiB"; };
  return "user memory did not come back: " + mebibytes(medians.front()) +
         " in the second generation of requests, " + mebibytes(medians.back()) + " in number " +
         std::to_string(generations);
}

std::optional<double> MemoryFigures::per_held(std::optional<std::int64_t> bytes, std::int64_t count) const {
  if (!bytes || !at_rest || count == 0) return std::nullopt;
  return static_cast<double>(*bytes - *at_rest) / static_cast<double>(count);
}

}  // namespace comet::loadgen
