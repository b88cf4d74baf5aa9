// Where Redis is, and how much of the stream it keeps: options of every program that joins servers.
#pragma once

#include <cstddef>

#include "core/command_line.hpp"
#include "nodes/common/redis_link.hpp"

namespace comet::nodes {

// The values must outlive the command line's parsing.
void add_redis_options(core::CommandLine& line, RedisAddress& redis, std::size_t& most);

}  // namespace comet::nodes
