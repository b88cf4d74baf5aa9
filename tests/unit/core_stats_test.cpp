// Counters, and their JSON and Prometheus forms.
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>

#include "core/cursor.hpp"
#include "core/stats.hpp"

namespace comet::core {
namespace {

// Every figure different, so that none can stand for another.
const Stats kStats{.pattern = "async",
                   .pid = 42,
                   .uptime_seconds = 1.5,
                   .connections = 1,
                   .held = 2,
                   .published = 3,
                   .delivered = 4,
                   .timeouts = 5,
                   .disconnects = 6,
                   .rejected = 7,
                   .channels = 8};

TEST(Stats, ReadingTakesEveryCounter) {
  Counters counters;
  std::uint64_t value = 0;
  for (auto* counter : {&counters.connections, &counters.held, &counters.published, &counters.delivered,
                        &counters.timeouts, &counters.disconnects, &counters.rejected, &counters.channels}) {
    add(*counter, ++value + 1);
    subtract(*counter);
  }
  const Stats stats = read_stats(counters, "async", unix_milliseconds() - 5000);
  EXPECT_EQ(stats.pattern, "async");
  EXPECT_EQ(stats.pid, getpid());
  EXPECT_GE(stats.uptime_seconds, 5);
  EXPECT_EQ(stats.connections, 1U);
  EXPECT_EQ(stats.held, 2U);
  EXPECT_EQ(stats.published, 3U);
  EXPECT_EQ(stats.delivered, 4U);
  EXPECT_EQ(stats.timeouts, 5U);
  EXPECT_EQ(stats.disconnects, 6U);
  EXPECT_EQ(stats.rejected, 7U);
  EXPECT_EQ(stats.channels, 8U);
}

TEST(Stats, UptimeIsNeverNegativeNorHugeWhenTheClockWasSetBack) {
  EXPECT_EQ(read_stats(Counters{}, "async", unix_milliseconds() + 100000).uptime_seconds, 0);
}

TEST(Stats, JsonHasEveryFigure) {
  EXPECT_EQ(
      stats_json(kStats),
      "{\"pattern\":\"async\",\"pid\":42,\"uptime_s\":1.5E0,\"connections\":1,\"held\":2,\"published\":3,"
      "\"delivered\":4,\"timeouts\":5,\"disconnects\":6,\"rejected\":7,\"channels\":8}\n");
}

TEST(Stats, PrometheusHasHelpTypeAndValueOfEveryFigure) {
  std::istringstream lines(stats_prometheus(kStats));
  const std::pair<std::string, std::string> metrics[] = {
      {"uptime_seconds gauge", "1.500000"}, {"connections gauge", "1"},       {"held gauge", "2"},
      {"published_total counter", "3"},     {"delivered_total counter", "4"}, {"timeouts_total counter", "5"},
      {"disconnects_total counter", "6"},   {"rejected_total counter", "7"},  {"channels gauge", "8"}};
  std::string line;
  for (const auto& [name_and_type, value] : metrics) {
    const std::string name = "comet_" + name_and_type.substr(0, name_and_type.find(' '));
    std::getline(lines, line);
    EXPECT_TRUE(line.starts_with("# HELP " + name + ' ')) << line;
    std::getline(lines, line);
    EXPECT_EQ(line, "# TYPE comet_" + name_and_type);
    std::getline(lines, line);
    EXPECT_EQ(line, name + "{pattern=\"async\"} " + value);
  }
  EXPECT_FALSE(std::getline(lines, line)) << line;
}

}  // namespace
}  // namespace comet::core
