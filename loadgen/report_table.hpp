// The results as plain text: one table for each size.
#pragma once

#include <string>
#include <vector>

#include "loadgen/measurement.hpp"

namespace comet {

// Rows in the given order, one table for each held_wanted, with a legend after the last. Ratios are against
// the entry named "floor" of the same size; without one they are "-", as is every figure that was not
// measured.
std::string results_table(const std::vector<Result>& results);

// One line for the progress display: the rate, and what went wrong.
std::string outcome(const Result& result);

}  // namespace comet
