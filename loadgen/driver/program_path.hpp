// Where the programs of entries are looked up.
#pragma once

#include <filesystem>

namespace comet::loadgen {

// Puts `folder` first in PATH, for this process and those that it starts. So a command whose first word is
// `env` finds its program too. Throws std::runtime_error.
void look_up_first_in(const std::filesystem::path& folder);

}  // namespace comet::loadgen
