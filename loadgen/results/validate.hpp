// Whether result files can be believed: their form (results/schema.json) and what their figures say together.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {

struct Validated {
  std::vector<ResultFile> results;  // without faults
  // One line each, with the file and the member's place in it, as in "...json: /repeats/0/latency/p90_us: ...".
  // Of a file's faults against the schema only the first is found.
  std::vector<std::string> faults;
};

Validated validate(const std::vector<std::filesystem::path>& runs, const std::filesystem::path& schema);

}  // namespace comet::loadgen
