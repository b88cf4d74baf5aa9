// Starts an entry, holds subscribers, publishes once, and records what the kernel sees of it.
#pragma once

#include <cstdint>
#include <filesystem>

#include "loadgen/driver/manifest.hpp"
#include "loadgen/trace/recording.hpp"

namespace comet::loadgen {

// `held` subscribers (1 or more) in one thread of this process; another one publishes. Programs are looked up
// in `program_folder` first. A few publishes before it warm everything up and are not recorded. Ends the
// server. Throws std::runtime_error, and Interrupted on a stop signal.
Recording record_publish(const Entry& entry, std::int64_t held, const std::filesystem::path& program_folder);

}  // namespace comet::loadgen
