// The relay's command line: comet-relay [options] -- NODE'S COMMAND.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/options.hpp"

namespace comet::relay {

struct RedisAddress {
  std::string host = "127.0.0.1";
  std::string port = "6379";
  std::string user;  // empty with a password: Redis' default user
  std::string password;
};

struct RelayOptions {
  core::Options http;  // as of every server, as far as a relay has them
  RedisAddress redis;
  std::size_t most = 100000;      // entries that the stream keeps at least
  std::vector<std::string> node;  // the command that starts it
};

// Exits with one line on standard error and status 64 for a mistake.
RelayOptions parse_relay_options(int argc, char** argv);

}  // namespace comet::relay
