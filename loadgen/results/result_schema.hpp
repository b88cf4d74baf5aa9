// Whether a result file has the form that results/schema.json demands.
#pragma once

#include <optional>
#include <string>

namespace comet::loadgen {

// The first fault of `text`, beginning with the member's place, or nothing. Boost.JSON must have read it without fault:
// RapidJSON takes any depth, and ends the program where that is too deep for the stack. Throws std::runtime_error when
// the schema itself is broken.
std::optional<std::string> schema_fault(const std::string& text, const std::string& schema);

}  // namespace comet::loadgen
