// Printing of the counters.
#include "core/stats.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>

#include "core/cursor.hpp"

namespace comet::core {

Stats read_stats(const Counters& counters, std::string_view pattern, std::uint64_t started_milliseconds) {
  Stats stats;
  stats.pattern = pattern;
  stats.pid = getpid();
  // Signed, for the clock may have been set back since.
  const auto uptime = static_cast<std::int64_t>(unix_milliseconds() - started_milliseconds);
  stats.uptime_seconds = static_cast<double>(std::max<std::int64_t>(uptime, 0)) / 1000;
  stats.connections = counters.connections;
  stats.held = counters.held;
  stats.published = counters.published;
  stats.delivered = counters.delivered;
  stats.timeouts = counters.timeouts;
  stats.disconnects = counters.disconnects;
  stats.rejected = counters.rejected;
  stats.channels = counters.channels;
  return stats;
}

std::string stats_json(const Stats& stats) {
  const boost::json::object object{
      {"pattern", stats.pattern},         {"pid", stats.pid},           {"uptime_s", stats.uptime_seconds},
      {"connections", stats.connections}, {"held", stats.held},         {"published", stats.published},
      {"delivered", stats.delivered},     {"timeouts", stats.timeouts}, {"disconnects", stats.disconnects},
      {"rejected", stats.rejected},       {"channels", stats.channels}};
  return boost::json::serialize(object) + '\n';
}

std::string stats_prometheus(const Stats& stats) {
  std::string text;
  const auto metric = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    text.append("# HELP comet_").append(name).append(" ").append(help).append("\n# TYPE comet_");
    text.append(name).append(" ").append(type).append("\ncomet_").append(name).append("{pattern=\"");
    text.append(stats.pattern).append("\"} ").append(std::to_string(value)).append("\n");
  };
  metric("uptime_seconds", "gauge", "Seconds since the server started.", stats.uptime_seconds);
  metric("connections", "gauge", "Open connections.", stats.connections);
  metric("held", "gauge", "Held requests.", stats.held);
  metric("published_total", "counter", "Messages published.", stats.published);
  metric("delivered_total", "counter", "Messages handed to subscribers.", stats.delivered);
  metric("timeouts_total", "counter", "Holds ended by time.", stats.timeouts);
  metric("disconnects_total", "counter", "Clients that left while held.", stats.disconnects);
  metric("rejected_total", "counter", "Requests and connections refused with 503.", stats.rejected);
  metric("channels", "gauge", "Channels known.", stats.channels);
  return text;
}

}  // namespace comet::core
