// One broadcast scenario against a server that is already running.
#pragma once

#include <string>
#include <vector>

#include "loadgen/broadcast.hpp"

namespace comet {

struct RunOptions {
  std::string url;
  BroadcastOptions broadcast;
  bool json = false;  // print the whole result instead of the table
};

// Prints the result on standard output. Returns 0, 1 when the run is not complete, or 128 plus the signal
// that ended it.
int run_against(const RunOptions& options);

}  // namespace comet
