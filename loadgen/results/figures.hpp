// The figures by which results are compared and shown, each over all complete repeats of a result file.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/results/statistics.hpp"

namespace comet::loadgen {

struct Figure {
  const char* key;      // in the page's data and in compare --json
  const char* pointer;  // JSON pointer in a repeat
  const char* label;
  const char* unit;
  const char* higher;        // the word for an entry whose figure is higher
  const char* lower;         // and lower
  bool largest = false;      // over the repeats the largest counts, not the median
  const char* bounded = "";  // pointer to whether the load generator or the machine bounded it in a repeat
};

const std::vector<Figure>& all_figures();

// An entry's figure divided by that of its floor in the same repeat of the same run. The machine's
// speed, which affects both, cancels out. Of a broadcast: server CPU for one delivery, and the time to
// reach everybody.
const std::vector<Figure>& floor_ratio_figures();

// The name of the entry that `result` is divided by. Files of the form before had one floor for all.
std::string floor_of(const boost::json::value& result);

// The number at a JSON pointer in each repeat with that status that has it.
ByRepeat values_by_repeat(const boost::json::value& result, std::string_view pointer,
                          const char* status = "complete");

struct FigureValue {
  Interval interval;
  std::size_t repeats;
};

// Over the repeats with that status that have the figure; nothing if none has it.
std::optional<FigureValue> figure_value(const boost::json::value& result, const Figure& figure,
                                        const char* status = "complete");

// Whether the figure was bounded in any complete repeat.
bool is_bounded(const boost::json::value& result, const Figure& figure);

// The median of the ratios of single repeats, over those that are complete for both.
std::optional<FigureValue> floor_ratio(const boost::json::value& result, const boost::json::value& floor,
                                       const Figure& figure);

}  // namespace comet::loadgen
