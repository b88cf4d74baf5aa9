// The data that the results page draws, from all result files. All statistics are computed here, none by the
// page's scripts.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <vector>

#include "loadgen/driver/manifest.hpp"
#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {

// `microbench`: Google Benchmark's JSON, or null. `nodes`: what nodes/bench writes, or null. `known_entries`: those
// whose budgets are known. Throws UsageError if a scenario comes from two runs, because figures of different runs are not shown side by side.
boost::json::object page_data(const std::vector<ResultFile>& results, const boost::json::value& microbench,
                              const boost::json::value& nodes, const std::vector<Entry>& known_entries);

}  // namespace comet::loadgen
