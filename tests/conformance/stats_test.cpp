// /stats, /metrics and /healthz: their form, and counters that are right.
#include <boost/json.hpp>
#include <regex>
#include <sstream>

#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

namespace json = boost::json;

class StatsPage : public ServerTest {
 protected:
  // The value of the metric whose name holds `name`, labels left out.
  static double metric(const std::string& text, const std::string& name) {
    std::smatch parts;
    const std::regex line("(^|\n)[a-z_]*" + name + "[a-z_]*(\\{[^}\n]*\\})? ([0-9.e+-]+)(\n|$)");
    if (!std::regex_search(text, parts, line)) throw ClientError("/metrics has no '" + name + "':\n" + text);
    return std::stod(parts[3]);
  }

  // One of everything that is counted, with nothing left held: two delivered, one timed out, one gone,
  // one refused.
  void make_history() {
    start({"--max-held", "2"});
    Connection first = hold("/subscribe?channel=a");
    Connection second = hold("/subscribe?channel=a");
    EXPECT_EQ(get("/subscribe?channel=b").status, 503);
    publish("one", "a");
    first.read_response();
    second.read_response();
    publish("two", "b");
    publish("three", "b");
    expect_nothing_new(get("/subscribe?timeout=0.1"));
    hold("/subscribe?channel=b").leave();
    wait_for("held", 0, kReleaseBound);
    wait_for("delivered", 2);
  }
};

CONTRACT_TEST(StatsPage, SaysWhoServesAndHowManyAreHeld, "stats, subscribe", "JSON: `pattern pid") {
  start();
  const json::object object = json::parse(get("/stats").body).as_object();
  EXPECT_TRUE(object.at("pattern").is_string() && object.at("pid").is_number());
  EXPECT_EQ(stat("held"), 0);
  Connection first = hold();
  Connection second = hold();
  EXPECT_EQ(stat("held"), 2);
}

CONTRACT_TEST(StatsPage, HasEveryKeyInJson, "stats, counters",
              "JSON: `pattern pid uptime_s connections held published delivered") {
  start();
  const Response response = get("/stats");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Content-Type").substr(0, 16), "application/json");
  const json::object object = json::parse(response.body).as_object();
  for (const char* key : {"pid", "uptime_s", "connections", "held", "published", "delivered", "timeouts",
                          "disconnects", "rejected", "channels"}) {
    EXPECT_TRUE(object.contains(key) && object.at(key).is_number()) << key << " in " << response.body;
  }
  EXPECT_TRUE(object.contains("pattern") && object.at("pattern").is_string()) << response.body;
  EXPECT_NE(object.at("pattern").as_string(), "");
  EXPECT_EQ(object.at("pid").to_number<std::int64_t>(), server().ready_pid());
  EXPECT_GE(object.at("uptime_s").to_number<double>(), 0);
  EXPECT_LT(object.at("uptime_s").to_number<double>(), 50);
}

CONTRACT_TEST(StatsPage, CountsWhatHappened,
              "counters, stats, subscribe, publish, channels, timeout, leaving, caps",
              "JSON: `pattern pid uptime_s connections held published delivered") {
  make_history();
  EXPECT_EQ(stat("published"), 3);
  EXPECT_EQ(stat("delivered"), 2);
  EXPECT_EQ(stat("timeouts"), 1);
  EXPECT_EQ(stat("disconnects"), 1);
  EXPECT_EQ(stat("rejected"), 1);
  EXPECT_EQ(stat("held"), 0);
}

CONTRACT_TEST(StatsPage, CountsAMessageFromTheLogAsDelivered, "counters, publish, cursors, timeout, http",
              "JSON: `pattern pid uptime_s connections held published delivered") {
  start();
  publish("m");
  expect_message(get("/subscribe?since=0"), "m");
  wait_for("delivered", 1);
  EXPECT_EQ(head("/subscribe?since=0").status, 200);
  expect_nothing_new(get("/subscribe?timeout=0"));
  EXPECT_EQ(stat("delivered"), 1);
}

CONTRACT_TEST(StatsPage, CountsOpenConnections, "counters, stats, subscribe, health, http",
              "JSON: `pattern pid uptime_s connections held published delivered") {
  start();
  Connection idle = connect();
  idle.send(get_request("/healthz"));
  idle.read_response();
  Connection held = hold();
  wait_for("connections", 3);  // and the one that asks
  idle.leave();
  held.leave();
  wait_for("connections", 1);
}

CONTRACT_TEST(StatsPage, CountsChannels, "counters, stats, subscribe, publish, channels",
              "JSON: `pattern pid uptime_s connections held published delivered") {
  start();
  const std::int64_t before = stat("channels");
  publish("m", "a");
  publish("m", "b");
  publish("m", "a");
  wait_for("channels", before + 2);
  Connection waiting = hold("/subscribe?channel=c");
  EXPECT_EQ(stat("channels"), before + 3);
}

CONTRACT_TEST(StatsPage, ForgetsAChannelThatHadOnlyWaiters, "counters, channels, timeout",
              "JSON: `pattern pid uptime_s connections held published delivered") {
  start();
  const std::int64_t before = stat("channels");
  for (int i = 0; i < 20; ++i) {
    expect_nothing_new(get("/subscribe?timeout=0.1&channel=c" + std::to_string(i)));
    expect_nothing_new(get("/subscribe?timeout=0&channel=d" + std::to_string(i)));
  }
  EXPECT_EQ(stat("channels"), before);
}

CONTRACT_TEST(StatsPage, MetricsSayTheSameAsPrometheusText,
              "counters, stats, subscribe, publish, channels, timeout, leaving, caps",
              "the same as Prometheus text") {
  make_history();
  const Response response = get("/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Content-Type").substr(0, 10), "text/plain");
  // https://prometheus.io/docs/instrumenting/exposition_formats/
  const std::regex sample(R"([a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})? [0-9.eE+-]+)");
  std::istringstream lines(response.body);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    EXPECT_TRUE(std::regex_match(line, sample)) << "not a Prometheus sample: " << line;
  }
  EXPECT_EQ(response.body.back(), '\n');
  for (const char* name :
       {"held", "published", "delivered", "timeouts", "disconnects", "rejected", "channels"}) {
    EXPECT_EQ(metric(response.body, name), static_cast<double>(stat(name))) << name;
  }
  EXPECT_GE(metric(response.body, "connections"), 1);
  EXPECT_GE(metric(response.body, "uptime"), 0);
}

CONTRACT_TEST(StatsPage, HealthzIsOk, "health", "| `GET /healthz` | 200, `ok` |") {
  start();
  const Response response = get("/healthz");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok");
  EXPECT_EQ(response.header("Content-Type").substr(0, 10), "text/plain");
}

}  // namespace
}  // namespace comet::test
