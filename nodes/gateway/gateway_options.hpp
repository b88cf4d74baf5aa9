// The gateway's command line.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/options.hpp"
#include "nodes/common/redis_options.hpp"

namespace comet::gateway {

struct GatewayOptions {
  core::Options http;  // as of every server, as far as a gateway has them
  nodes::RedisAddress redis;
  std::size_t most = 100000;                 // entries that the stream keeps at least
  std::vector<std::string> allowed_origins;  // sites whose pages may use the gateway beside its own
  std::size_t most_per_client = 0;           // connections of one address; 0: any number
  bool behind_proxy = false;                 // a client's address stands in X-Forwarded-For
  std::size_t rate = 20;                     // messages that one user or session may send in a second
  core::Milliseconds heartbeat{5000};        // between two signs of life

  // What is told to a client that has nothing to hear, and how long a user's key lives.
  core::Milliseconds three_beats() const { return 3 * heartbeat; }
};

// Exits with one line on standard error and status 64 for a mistake.
GatewayOptions parse_gateway_options(int argc, char** argv);

}  // namespace comet::gateway
