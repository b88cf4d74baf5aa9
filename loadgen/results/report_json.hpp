// One JSON file for each scenario, entry, size and rate, with all repeats (results/README.md says what is in
// it). Every figure's name ends in its unit; what is missing is null.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>

#include "loadgen/driver/scenario.hpp"
#include "loadgen/results/measurement.hpp"

namespace comet::loadgen {

// From "scenario" to "repeats".
boost::json::object to_json(const Scenario& scenario, const Series& series);

// Indented text; a list of plain values stays on one line.
std::string pretty(const boost::json::value& value);

// Writes SCENARIO-ENTRY-HELD.json, where the scenario has several rates SCENARIO-ENTRY-HELD-at-RATE.json,
// into `folder`, which exists, with `run` (machine, commit, command line, seed) before the figures. What was
// there before is replaced as a whole or not at all. Throws std::runtime_error when the disk does not take
// it.
void write_series(const std::filesystem::path& folder, const boost::json::object& run,
                  const Scenario& scenario, const Series& series);

}  // namespace comet::loadgen
