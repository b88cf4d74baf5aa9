// Reads the files that bench has written: one for each scenario, entry, size and rate of a
// run (results/schema.json).
#pragma once

#include <boost/json/value.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace comet::loadgen {

struct ResultFile {
  std::filesystem::path path;
  boost::json::value content;
};

// The *.json files of `runs`, in the order of their names. Each of `runs` is one file, a run's folder or a
// folder of runs. Throws UsageError if one does not exist or has no such file.
std::vector<std::filesystem::path> result_paths(const std::vector<std::filesystem::path>& runs);

// The newest run in `folder`. Throws UsageError if there is none.
std::filesystem::path latest_run(const std::filesystem::path& folder);

// Throws std::runtime_error if it is no regular file or cannot be read.
std::string file_text(const std::filesystem::path& path);

// The number at a JSON pointer such as "/latency/p50_us"; nothing if there is none.
std::optional<double> number_at(const boost::json::value& value, std::string_view pointer);

// The text at a JSON pointer; empty if there is none.
std::string text_at(const boost::json::value& value, std::string_view pointer);

// Whether there is `true` at a JSON pointer.
bool flag_at(const boost::json::value& value, std::string_view pointer);

// The array at a JSON pointer; empty if there is none.
const boost::json::array& array_at(const boost::json::value& value, std::string_view pointer);

}  // namespace comet::loadgen
