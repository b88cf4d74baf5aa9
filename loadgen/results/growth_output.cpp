// Growth as text and for the page: see growth.hpp.
#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "loadgen/numbers.hpp"
#include "loadgen/results/growth.hpp"
#include "loadgen/results/text_table.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;

constexpr char kLegend[] =
    "exponents: CPU for one delivery and memory for one held request grow like held^exponent; 0: each costs "
    "the same,\n"
    "           however many are held; 1: each costs twice as much if twice as many are held\n"
    "bytes:     what one more held request takes, by least squares over the sizes\n"
    "(..)       over the repeats: the range of up to 5, else the 95% interval of the median\n"
    "*          without the smallest sizes, at which noise is larger than the figure\n";

std::string cell(const std::optional<Slope>& slope, bool exponent, double from) {
  if (!slope) return "-";
  const int digits = exponent ? 2 : 0;
  const auto& [median, low, high] = slope->value.interval;
  return with_commas(median, digits) + (slope->from > from ? "*" : "") + " (" + with_commas(low, digits) +
         ".." + with_commas(high, digits) + ")";
}

// The size that the entry's sizes begin with.
double first_size(const Growth& growth) {
  double from = INFINITY;
  for (const auto& slope : growth.slopes)
    if (slope) from = std::min(from, slope->from);
  return from;
}

std::string table_of(const std::vector<const Growth*>& all, bool exponents) {
  std::vector<std::vector<std::string>> rows{{"entry"}};
  const std::vector<GrowthFigure>& figures = growth_figures();
  for (const GrowthFigure& figure : figures)
    if (figure.exponent == exponents) rows[0].push_back(figure.label);
  for (const Growth* growth : all) {
    std::vector<std::string>& row = rows.emplace_back(1, growth->entry);
    for (std::size_t i = 0; i < figures.size(); ++i)
      if (figures[i].exponent == exponents)
        row.push_back(cell(growth->slopes[i], exponents, first_size(*growth)));
  }
  return aligned(rows);
}

std::string sizes_of(const std::vector<const Growth*>& all) {
  double from = INFINITY, to = 0;
  for (const Growth* growth : all)
    for (const auto& slope : growth->slopes) {
      if (!slope) continue;
      from = std::min(from, slope->from);
      to = std::max(to, slope->to);
    }
  return with_commas(from, 0) + " to " + with_commas(to, 0) + " held";
}

}  // namespace

std::string growth_table(const std::vector<Growth>& all) {
  if (all.empty()) return {};
  std::string text;
  for (auto begin = all.begin(); begin != all.end();) {
    std::vector<const Growth*> of_one;
    const std::string& scenario = begin->scenario;
    for (; begin != all.end() && begin->scenario == scenario; ++begin) of_one.push_back(&*begin);
    text += scenario + ", how costs grow from " + sizes_of(of_one) + ": exponents\n" +
            table_of(of_one, true) + "\n" + scenario + ", bytes for one more held request\n" +
            table_of(of_one, false) + "\n";
  }
  return text + kLegend;
}

json::array growth_json(const std::vector<Growth>& all) {
  json::array list;
  for (const Growth& growth : all) {
    json::object object{{"scenario", growth.scenario}, {"entry", growth.entry}};
    for (std::size_t i = 0; i < growth.slopes.size(); ++i) {
      const auto& slope = growth.slopes[i];
      if (!slope) continue;
      const auto& [interval, repeats] = slope->value;
      object[growth_figures()[i].key] = {{"value", {interval.median, interval.low, interval.high, repeats}},
                                         {"from", slope->from},
                                         {"to", slope->to}};
    }
    list.push_back(std::move(object));
  }
  return list;
}

}  // namespace comet::loadgen
