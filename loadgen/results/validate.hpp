// Checks result files: their structure (results/schema.json), and whether their figures agree
// with each other.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {

struct Validated {
  std::vector<ResultFile> results;  // without faults
  // One line for each, with the file and the place of the member, as in "...json: /repeats/0/latency/p90_us:
  // ...". Of the faults against the schema only the first of each file is found.
  std::vector<std::string> faults;
};

Validated validate(const std::vector<std::filesystem::path>& runs, const std::filesystem::path& schema);

}  // namespace comet::loadgen
