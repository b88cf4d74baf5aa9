// The files that bench wrote, read back: one for each scenario, entry and size of a run
// (results/schema.json).
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

// The *.json files of `runs`, in the order of their names. Each is one file, a run's folder or a folder of runs. Throws
// UsageError when one is not there or has none.
std::vector<std::filesystem::path> result_paths(const std::vector<std::filesystem::path>& runs);

// The run that was started last in `folder`. Throws UsageError when there is none.
std::filesystem::path latest_run(const std::filesystem::path& folder);

// Throws std::runtime_error when it is no regular file or cannot be read.
std::string file_text(const std::filesystem::path& path);

// The number at a JSON pointer like "/latency/p50_us"; nothing where it or a part of the way is missing or
// null.
std::optional<double> number_at(const boost::json::value& value, std::string_view pointer);

// The text at a JSON pointer; empty where there is none.
std::string text_at(const boost::json::value& value, std::string_view pointer);

// The array at a JSON pointer; empty where there is none.
const boost::json::array& array_at(const boost::json::value& value, std::string_view pointer);

}  // namespace comet::loadgen
