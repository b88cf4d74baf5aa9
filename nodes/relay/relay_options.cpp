// See relay_options.hpp.
#include "nodes/relay/relay_options.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "nodes/common/redis_options.hpp"

namespace comet::relay {
namespace {

constexpr int kExitUsage = 64;

}  // namespace

RelayOptions parse_relay_options(int argc, char** argv) {
  RelayOptions options;
  options.http.port = 8100;
  char** const separator =
      std::find_if(argv, argv + argc, [](const char* word) { return std::string_view(word) == "--"; });
  for (char** word = separator; ++word < argv + argc;) options.node.emplace_back(*word);

  core::CommandLine line("Starts a server, brings it all messages from Redis, and takes publishes for Redis.",
                         "comet-relay");
  core::add_basic_options(line, options.http);
  nodes::add_redis_options(line, options.redis, options.most);
  line.add_number("--max-message", options.http.max_message, 1, 16 << 20, "largest message in bytes");
  line.add_seconds("--node-timeout", options.node_timeout, 0.1, 3600,
                   "a node that has not taken a message for this long is started anew");
  line.parse_or_exit(static_cast<int>(separator - argv), argv);
  if (options.node.empty()) {
    std::fputs("comet-relay: name the server to start, as in: comet-relay -- comet-async --port 8001\n",
               stderr);
    std::exit(kExitUsage);
  }
  return options;
}

}  // namespace comet::relay
