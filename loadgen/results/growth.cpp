// Slopes over sizes: see growth.hpp.
#include "loadgen/results/growth.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace comet::loadgen {
namespace {

namespace json = boost::json;

using Points = std::vector<std::pair<double, double>>;

double least_squares_slope(const Points& points) {
  double mean_x = 0, mean_y = 0;
  for (const auto& [x, y] : points) {
    mean_x += x / static_cast<double>(points.size());
    mean_y += y / static_cast<double>(points.size());
  }
  double both = 0, square = 0;
  for (const auto& [x, y] : points) {
    both += (x - mean_x) * (y - mean_y);
    square += (x - mean_x) * (x - mean_x);
  }
  return both / square;
}

// At small sizes noise may be larger than the figure. What is not above 0 has no logarithm, so such a size is
// left out, of all repeats.
bool is_usable(const ByRepeat& values, const GrowthFigure& figure) {
  return !values.empty() &&
         (!figure.exponent ||
          std::all_of(values.begin(), values.end(), [](const auto& value) { return value.second > 0; }));
}

using BySize = std::map<double, const json::value*>;  // held, and the results there

// A repeat counts if it is complete at each size. So the sizes are compared within one pass over all of them.
std::optional<Slope> slope_of(const BySize& results, const GrowthFigure& figure) {
  std::map<double, ByRepeat> sizes;
  for (const auto& [held, result] : results)
    if (ByRepeat values = values_by_repeat(*result, figure.pointer); held > 0 && is_usable(values, figure))
      sizes[held] = std::move(values);
  if (sizes.size() < 2) return std::nullopt;
  std::vector<double> slopes;
  for (const auto& [repeat, smallest] : sizes.begin()->second) {
    Points points;
    for (const auto& [held, values] : sizes) {
      const auto found = values.find(repeat);
      if (found == values.end()) continue;
      if (figure.exponent)
        points.emplace_back(std::log(held), std::log(found->second));
      else
        points.emplace_back(held, held * found->second);
    }
    if (points.size() == sizes.size()) slopes.push_back(least_squares_slope(points));
  }
  if (slopes.empty()) return std::nullopt;
  return Slope{{bootstrap_median(slopes), slopes.size()}, sizes.begin()->first, sizes.rbegin()->first};
}

}  // namespace

const std::vector<GrowthFigure>& growth_figures() {
  static const std::vector<GrowthFigure> kFigures{
      {"cpu_exponent", "/server/cpu_us_per_delivery", "CPU", true},
      {"user_exponent", "/user_memory/per_held_bytes", "memory, app", true},
      {"kernel_exponent", "/kernel_memory/per_held_bytes", "memory, kernel", true},
      {"user_bytes_held", "/user_memory/per_held_before_bytes", "app B, held", false},
      {"user_bytes_after", "/user_memory/per_held_bytes", "app B, after messages", false},
      {"kernel_bytes_held", "/kernel_memory/per_held_before_bytes", "kernel B, held", false},
      {"kernel_bytes_after", "/kernel_memory/per_held_bytes", "kernel B, after messages", false}};
  return kFigures;
}

std::vector<Growth> growth_of(const std::vector<ResultFile>& results) {
  using Name = std::pair<std::string, std::string>;  // scenario and entry
  std::vector<Name> order;
  std::map<Name, BySize> by_name;
  for (const auto& [path, content] : results) {
    if (text_at(content, "/scenario/kind") != "broadcast") continue;
    const Name name{text_at(content, "/scenario/name"), text_at(content, "/entry")};
    if (!by_name.contains(name)) order.push_back(name);
    by_name[name][number_at(content, "/held_wanted").value_or(0)] = &content;
  }
  std::vector<Growth> all;
  for (const Name& name : order) {
    Growth growth{name.first, name.second, {}};
    for (const GrowthFigure& figure : growth_figures())
      growth.slopes.push_back(slope_of(by_name[name], figure));
    if (std::any_of(growth.slopes.begin(), growth.slopes.end(),
                    [](const auto& slope) { return slope.has_value(); }))
      all.push_back(std::move(growth));
  }
  return all;
}

}  // namespace comet::loadgen
