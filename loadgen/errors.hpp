// The two ways the program gives up: the person can type something else (exit 64), or the work failed (exit
// 1).
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
