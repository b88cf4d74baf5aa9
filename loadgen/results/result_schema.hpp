// Checks a result file against results/schema.json.
#pragma once

#include <optional>
#include <string>

namespace comet::loadgen {

// The first fault of `text`, beginning with the place of the member; nothing if there is none. Boost.JSON
// must have parsed `text` before: RapidJSON does not limit its depth, and crashes if it is too deep for the
// stack. Throws std::runtime_error if the schema itself is not JSON.
std::optional<std::string> schema_fault(const std::string& text, const std::string& schema);

}  // namespace comet::loadgen
