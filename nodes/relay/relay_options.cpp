// See relay_options.hpp.
#include "nodes/relay/relay_options.hpp"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace comet::relay {
namespace {

constexpr int kExitUsage = 64;

void read_address(const std::string& text, RedisAddress& redis) {
  const auto parsed = boost::urls::parse_uri(text);
  if (!parsed || parsed->scheme() != "redis" || parsed->host().empty() || parsed->has_password()) {
    throw std::invalid_argument("'" + text +
                                "' is no address such as redis://127.0.0.1:6379 or redis://USER@HOST");
  }
  redis.host = parsed->host_address();
  if (parsed->has_port()) redis.port = parsed->port();
  redis.user = parsed->user();
}

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
  const auto take_redis = [&options](const std::string& text) { read_address(text, options.redis); };
  line.add_text("--redis", take_redis, "URL", "redis://127.0.0.1:6379", "where Redis is, and its user");
  const auto take_password = [&options](const std::string& path) {
    options.redis.password = core::read_token(path);
  };
  line.add_text("--redis-password-file", take_password, "FILE", "", "file with the password for Redis");
  line.add_number("--retain", options.most, 1, 100000000,
                  "messages of all channels that Redis keeps at least");
  line.add_number("--max-message", options.http.max_message, 1, 16 << 20, "largest message in bytes");
  line.parse_or_exit(static_cast<int>(separator - argv), argv);
  if (options.node.empty()) {
    std::fputs("comet-relay: name the server to start, as in: comet-relay -- comet-async --port 8001\n",
               stderr);
    std::exit(kExitUsage);
  }
  return options;
}

}  // namespace comet::relay
