// The figures by which results are compared and shown, each over all complete repeats of a result file.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/results/statistics.hpp"

namespace comet::loadgen {

struct Figure {
  const char* key;      // in the page's data and in compare --json
  const char* pointer;  // JSON pointer in a repeat
  const char* label;
  const char* unit;
  const char* higher;  // the word for an entry whose figure is higher
  const char* lower;   // and lower
};

const std::vector<Figure>& all_figures();

// An entry's deliveries per second divided by the floor's in the same run. The machine's speed, which affects
// both, cancels out.
const Figure& floor_ratio_figure();

struct FigureValue {
  Interval interval;
  std::size_t repeats;
};

// Over the repeats with that status that have the figure; nothing if none has it.
std::optional<FigureValue> figure_value(const boost::json::value& result, std::string_view pointer,
                                        const char* status = "complete");

// The ratio of the medians, over the repeats that are complete for both. Its interval comes from the ratios
// of the single repeats.
std::optional<FigureValue> floor_ratio(const boost::json::value& result, const boost::json::value& floor);

}  // namespace comet::loadgen
