// See redis_options.hpp. Boost.URL takes the address apart.
#include "nodes/common/redis_options.hpp"

#include <boost/url/parse.hpp>
#include <stdexcept>
#include <string>

#include "core/options.hpp"

namespace comet::nodes {
namespace {

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

void add_redis_options(core::CommandLine& line, RedisAddress& redis, std::size_t& most) {
  line.add_text(
      "--redis", [&redis](const std::string& text) { read_address(text, redis); }, "URL",
      "redis://127.0.0.1:6379", "where Redis is, and its user");
  line.add_text(
      "--redis-password-file", [&redis](const std::string& path) { redis.password = core::read_token(path); },
      "FILE", "", "file with the password for Redis");
  line.add_number("--retain", most, 1, 100000000, "messages of all channels that Redis keeps at least");
}

}  // namespace comet::nodes
