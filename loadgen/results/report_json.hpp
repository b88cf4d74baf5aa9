// Writes one JSON file for each scenario, entry, size and rate, with all repeats; results/README.md describes
// it. The name of each figure ends in its unit. What was not measured is null.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>

#include "loadgen/driver/scenario.hpp"
#include "loadgen/results/measurement.hpp"

namespace comet::loadgen {

// The members from "scenario" to "repeats".
boost::json::object to_json(const Scenario& scenario, const Series& series);

// A whole result: `run` (machine, commit, command line, seed) comes before the figures.
boost::json::object document(const boost::json::object& run, const Scenario& scenario, const Series& series);

// Indented text. A list of numbers or texts is on one line.
std::string pretty(const boost::json::value& value);

// Writes SCENARIO-ENTRY-HELD.json, or SCENARIO-ENTRY-HELD-at-RATE.json if the scenario has several rates,
// into `folder`, which exists. An older file is replaced as a whole or not at all. Throws std::runtime_error
// if the file cannot be written.
void write_series(const std::filesystem::path& folder, const boost::json::object& run,
                  const Scenario& scenario, const Series& series);

}  // namespace comet::loadgen
