// The bench: starts, verifies, measures and stops every selected entry, at every size and rate,
// several times.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/driver/scenario.hpp"

namespace comet::loadgen {

struct BenchOptions {
  std::vector<std::string> entries;  // names; empty: all
  Scenario scenario;
  int repeats = 5;
  bool discard_first = false;  // a short pass before the first repeat, of which nothing is kept
  bool all_columns = false;    // of the table
  bool plan = false;           // only say how long it will take
  std::optional<int> client_processes;
  std::optional<std::uint64_t> seed;
  std::filesystem::path root;
  std::filesystem::path program_folder;
  std::filesystem::path results;
  std::vector<std::string> command_line;
};

// Prints the table on standard output and writes the JSON files. Returns the exit status: 0, or 1 if no
// repeat is complete, or 128 plus the number of the signal that ended it early. If an entry fails, its row
// says so. Throws UsageError and std::runtime_error.
int run_bench(const BenchOptions& options);

}  // namespace comet::loadgen
