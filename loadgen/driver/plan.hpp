// How long a bench will take, before it starts.
#pragma once

#include <cstdint>

#include "loadgen/driver/bench.hpp"
#include "loadgen/driver/manifest.hpp"

namespace comet::loadgen {

// Seconds of one measurement: about as long as it took on two cores.
double planned_seconds(const Entry& entry, const Scenario& scenario, std::int64_t held);

// Prints in one line how many measurements the bench consists of and about how many seconds they
// take. Returns 0.
int print_plan(const BenchOptions& options);

}  // namespace comet::loadgen
