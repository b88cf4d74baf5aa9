// The results as plain text: one table for each size and rate.
#pragma once

#include <string>
#include <vector>

#include "loadgen/driver/scenario.hpp"
#include "loadgen/results/measurement.hpp"

namespace comet::loadgen {

// One table for each held_wanted and rate, with rows in the order of `all`, and a legend after the last
// table. A figure is the median over the complete repeats. Ratios are to the entry that the series names
// as its floor, at the same size and rate and in the same repeat. What was not measured is "-". Few
// columns, or all.
std::string results_table(const Scenario& scenario, const std::vector<Series>& all, bool all_columns);

// "async at 1,000", or "async at 1,000, 40/s".
std::string series_name(const Series& series);

// One line for the progress display: the main figure, and what went wrong.
std::string outcome(const Measurement& result);

}  // namespace comet::loadgen
