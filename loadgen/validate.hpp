// Whether result files can be believed: their form (results/schema.json) and what their figures say together.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loadgen/result_files.hpp"

namespace comet {

// One line for each fault of the text of a result file, each beginning with the member's place in the file,
// as in
// "/repeats/0/latency/p90_us: ...". Of faults against the schema only the first is found.
std::vector<std::string> faults_of(const std::string& text, const std::string& schema);

// The figures of `content`, which keeps the schema: percentiles rise, deliveries add up, churn obeys Little's
// law.
std::vector<std::string> contradictions_in(const boost::json::value& content);

struct Validated {
  std::vector<ResultFile> results;  // without faults
  std::vector<std::string> faults;  // each with its file's name
};

Validated validate(const std::vector<std::filesystem::path>& runs, const std::filesystem::path& schema);

}  // namespace comet
