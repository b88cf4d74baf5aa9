// What the results page draws, of all result files: every statistic is taken here, none by the page's scripts.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <vector>

#include "loadgen/driver/manifest.hpp"
#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {

// `microbench`: Google Benchmark's JSON, or null. `known_entries`: for their budgets. Throws UsageError if a scenario
// comes from two runs: figures of different runs do not stand side by side.
boost::json::object page_data(const std::vector<ResultFile>& results, const boost::json::value& microbench,
                              const std::vector<Entry>& known_entries);

}  // namespace comet::loadgen
