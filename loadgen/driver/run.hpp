// One scenario against a server that is already running.
#pragma once

#include <optional>
#include <string>

#include "loadgen/driver/scenario.hpp"

namespace comet::loadgen {

struct RunOptions {
  std::string url;
  std::string publish_url;  // empty: the same
  Scenario scenario;
  int repeats = 1;
  std::optional<int> client_processes;
  bool all_columns = false;  // of the table
  bool json = false;         // print the whole result instead of the table
};

// Prints the result on standard output. Returns 0, or 1 if a repeat is not complete, or 128 plus the number
// of the signal that ended it.
int run_against(const RunOptions& options);

}  // namespace comet::loadgen
