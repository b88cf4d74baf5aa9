// What the five minimal servers do before they serve, and their check of system calls.
#pragma once

#include <cstddef>

#include "core/options.hpp"

namespace comet::common {
using namespace core;

// Reads the basic options, and --workers if `workers` is not null; --help and mistakes end the process as in
// every server. From here on a closed peer is an error of its write, and SIGTERM and SIGINT end the process
// at once with status 0.
Options start_minimal(int argc, char** argv, const char* program, std::size_t* workers = nullptr);

// A listening socket. Its connections send every answer at once (TCP_NODELAY).
int open_minimal_listener(const Options& options);

// `result`, if it is not negative; else exits with a line that says `what` failed and why.
int check(int result, const char* what);

}  // namespace comet::common
