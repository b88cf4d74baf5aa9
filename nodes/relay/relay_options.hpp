// The relay's command line: comet-relay [options] -- NODE'S COMMAND.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/options.hpp"
#include "nodes/common/redis_link.hpp"

namespace comet::relay {

struct RelayOptions {
  core::Options http;  // as of every server, as far as a relay has them
  nodes::RedisAddress redis;
  std::size_t most = 100000;      // entries that the stream keeps at least
  std::vector<std::string> node;  // the command that starts it
  core::Milliseconds node_timeout{10'000};
};

// Exits with one line on standard error and status 64 for a mistake.
RelayOptions parse_relay_options(int argc, char** argv);

}  // namespace comet::relay
