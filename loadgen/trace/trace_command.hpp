// The command `trace`: a picture of one publish.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace comet::loadgen {

struct TraceOptions {
  std::string entry;  // to record; empty: draw `from`
  std::vector<std::filesystem::path> from;
  std::int64_t held = 8;
  std::filesystem::path root, program_folder;
  std::filesystem::path out;     // the picture
  std::filesystem::path events;  // the recording; empty: beside the picture
};

// Records an entry, or reads recordings, and writes the picture; several are drawn one below the other on one
// scale of time. Throws UsageError and std::runtime_error; Interrupted on a stop signal. Returns 0.
int run_trace(const TraceOptions& options);

}  // namespace comet::loadgen
