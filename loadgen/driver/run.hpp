// One scenario against a server that is already running, or against several that share their messages.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/driver/scenario.hpp"

namespace comet::loadgen {

struct RunOptions {
  std::vector<std::string> urls;
  std::string publish_url;  // empty: the first of `urls`
  Scenario scenario;
  int repeats = 1;
  std::optional<int> client_processes;
  bool all_columns = false;  // of the table
  bool json = false;         // print the whole result instead of the table
  std::filesystem::path root;
  std::vector<std::string> command_line;
};

// Prints the result on standard output. Returns 0, or 1 if a repeat is not complete, or 128 plus the number
// of the signal that ended it.
int run_against(const RunOptions& options);

}  // namespace comet::loadgen
