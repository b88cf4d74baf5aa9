// The columns of the text table: which figures each kind of scenario shows.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/driver/scenario.hpp"
#include "loadgen/results/measurement.hpp"

namespace comet::loadgen {

// One figure of a repeat and how it is printed.
struct TableFigure {
  std::string title;
  std::function<std::optional<double>(const Measurement&)> value;
  int digits = 0;
  bool plain = false;  // also in the table of few columns
  std::string legend{};
  bool with_interval = false;
  bool with_ratio = false;  // a column beside it has the ratio to the floor's, with its interval
  bool largest = false;     // over the repeats the largest counts, not the median
  // Whether the load generator or the machine bounded it in that repeat; `bound` is then printed before it.
  std::function<bool(const Measurement&)> bounded{};
  std::string bound{};
};

// All of them, or the few of the plain table, without intervals but those of the ratios.
std::vector<TableFigure> table_figures(Kind kind, bool all_columns);

}  // namespace comet::loadgen
