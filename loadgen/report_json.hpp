// One JSON file for each entry and size. Every figure's name ends in its unit; what is missing is null.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>

#include "loadgen/measurement.hpp"

namespace comet {

boost::json::object to_json(const Result& result);

// Indented text; a list of plain values stays on one line.
std::string pretty(const boost::json::value& value);

// Writes ENTRY-HELD.json into `folder`, which exists, with the members of `run` (machine, commit, command
// line, seed) before the figures. Throws std::runtime_error when the disk does not take it.
void write_result(const std::filesystem::path& folder, const boost::json::object& run, const Result& result);

}  // namespace comet
