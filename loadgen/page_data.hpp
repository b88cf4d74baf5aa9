// What the results page draws: medians and intervals over repeats, curves, memory points, and what went
// wrong.
#pragma once

#include <boost/json/object.hpp>
#include <vector>

#include "loadgen/result_files.hpp"

namespace comet {

// Throws UsageError when a scenario comes from two runs: figures of different runs do not stand side by side.
boost::json::object page_data(const std::vector<ResultFile>& results);

}  // namespace comet
