// The two ways the program gives up: the command line is wrong (exit status 64), or the work failed
// (exit status 1).
#pragma once

#include <stdexcept>
#include <string>

namespace comet::loadgen {

// Wrong option, entry or manifest: the text says what is wrong and what to type instead.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// "WHAT: text of errno"
std::string system_error_text(const std::string& what);

}  // namespace comet::loadgen
