// What one delivery of a broadcast is made of: mechanisms measured alone (microbench/) against the whole
// server's CPU time.
#pragma once

#include <boost/json/value.hpp>
#include <optional>

#include "loadgen/driver/manifest.hpp"

namespace comet::loadgen {

// Google Benchmark's JSON as the page needs it: its date and machine, and of every benchmark CPU time (of all
// threads and processes that take part), time by the clock and memory, each [median, smallest, largest].
boost::json::object mechanisms_json(const boost::json::value& microbench);

// `cpu_us`, `floor_us`: CPU per delivery of the entry and of the floor, same run and size. Null if one of them is not
// known; {"left_out": why} for an entry that the mechanisms do not explain.
boost::json::value budget_json(const Budget& budget, std::optional<double> cpu_us,
                               std::optional<double> floor_us, const boost::json::object& mechanisms);

}  // namespace comet::loadgen
