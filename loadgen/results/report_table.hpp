// The results as plain text: one table for each size and rate.
#pragma once

#include <string>
#include <vector>

#include "loadgen/results/measurement.hpp"
#include "loadgen/driver/scenario.hpp"

namespace comet::loadgen {

// Rows in the given order, one table for each held_wanted and rate, with a legend after the last. A figure is
// the median over the complete repeats; ratios are against the entry of group "floor" at the same size and
// rate. What was not measured is "-".
std::string results_table(const Scenario& scenario, const std::vector<Series>& all);

// "async at 1,000", or "async at 1,000, 40/s".
std::string series_name(const Series& series);

// One line for the progress display: the main figure, and what went wrong.
std::string outcome(const Measurement& result);

}  // namespace comet::loadgen
