// The commands that read results: validate, compare and report.
#pragma once

#include <filesystem>
#include <vector>

namespace comet::loadgen {

struct ResultsOptions {
  std::filesystem::path root;               // the project's folder
  std::vector<std::filesystem::path> runs;  // folders or files
  std::filesystem::path out;                // report: the page
  std::filesystem::path microbench;         // report: results of microbench/, if there are any
  std::filesystem::path nodes;              // report: results of nodes/bench, if there are any
  bool json = false;                        // compare: JSON instead of a table
};

// Each returns the exit status and may throw UsageError. Results with faults are neither compared
// nor reported.
int run_validate(const ResultsOptions& options);
int run_compare(const ResultsOptions& options);
int run_report(const ResultsOptions& options);

}  // namespace comet::loadgen
