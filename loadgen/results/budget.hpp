// The budget of one delivery: how much of a server's CPU time is explained by its mechanisms, which
// microbench/ measures one by one.
#pragma once

#include <boost/json/value.hpp>
#include <optional>

#include "loadgen/driver/manifest.hpp"

namespace comet::loadgen {

// Google Benchmark's JSON in the form that the page needs: date and machine, and for every benchmark the CPU
// time (of all threads and processes that take part), the time by the clock and the memory, each as [median,
// smallest, largest].
boost::json::object mechanisms_json(const boost::json::value& microbench);

// `cpu_us`, `floor_us`: CPU time per delivery of the entry and of the floor in the same run, at the same
// size. Null if one of them is not known; {"left_out": reason} for an entry without a budget.
boost::json::value budget_json(const Budget& budget, std::optional<double> cpu_us,
                               std::optional<double> floor_us, const boost::json::object& mechanisms);

}  // namespace comet::loadgen
