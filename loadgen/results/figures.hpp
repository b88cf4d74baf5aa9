// The figures that results are compared and shown by, each over all complete repeats of a result file.
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
  const char* higher;  // what one says of the entry whose figure is higher, and of the one whose is lower
  const char* lower;
};

const std::vector<Figure>& all_figures();

// An entry's deliveries per second over the floor's in the same run: what the machine's speed does to both drops out.
const Figure& floor_ratio_figure();

struct FigureValue {
  Interval interval;
  std::size_t repeats;
};

// Over the repeats of that status that have it; nothing when none has.
std::optional<FigureValue> figure_value(const boost::json::value& result, std::string_view pointer,
                                        const char* status = "complete");

// Of the repeats that both have complete: median over median, its interval from each repeat's own ratio.
std::optional<FigureValue> floor_ratio(const boost::json::value& result, const boost::json::value& floor);

}  // namespace comet::loadgen
