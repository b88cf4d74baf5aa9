// The counts of the load generator and of the servers agree with those of other tools: wrk and ss.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <regex>

#include "tests/conformance/client.hpp"
#include "tests/conformance/server_process.hpp"
#include "tests/loadgen/loadgen_process.hpp"

namespace comet::test {
namespace {

using std::chrono::steady_clock;

// comet-async on a free port.
class Server {
 public:
  Server() : process_(SERVER_PROGRAM, ".", {"comet-async", "--port", "0"}) {
    process_.wait_until_ready(std::chrono::seconds(30));
  }

  std::string port() const { return std::to_string(process_.port()); }
  std::string url() const { return "http://127.0.0.1:" + port(); }

  Connection connect() const { return Connection(process_.port()); }

 private:
  ServerProcess process_;
};

boost::json::object stats(Connection& connection) {
  connection.send(get_request("/stats"));
  return boost::json::parse(connection.read_response().body).as_object();
}

std::int64_t stat(const Server& server, const char* key) {
  Connection connection = server.connect();
  return stats(connection).at(key).to_number<std::int64_t>();
}

// The number of connections at the server's side, from the kernel.
std::int64_t connections_by_ss(const Server& server) {
  const Outcome outcome =
      LoadgenProcess({"-Htn", "state", "established", "( sport = :" + server.port() + " )"}, "ss").wait();
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  return std::count(outcome.output.begin(), outcome.output.end(), '\n');
}

// wrk ends when its time is over. On each connection an answer may then still be on its way.
TEST(OtherTools, TheServerCountsAsManyPublishesAsWrkSent) {
  constexpr int kConnections = 4;
  const Server server;
  const Outcome outcome =
      LoadgenProcess(
          {"-t1", "-c" + std::to_string(kConnections), "-d1s", server.url() + "/publish?message=m"}, "wrk")
          .wait();
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  std::smatch match;
  ASSERT_TRUE(std::regex_search(outcome.output, match, std::regex("(\\d+) requests in"))) << outcome.output;
  const std::int64_t by_wrk = std::stoll(match[1]);
  EXPECT_GT(by_wrk, 0);
  EXPECT_GE(stat(server, "published"), by_wrk);
  EXPECT_LE(stat(server, "published"), by_wrk + kConnections);
  EXPECT_EQ(outcome.output.find("Non-2xx"), std::string::npos) << outcome.output;
}

TEST(OtherTools, WrkFindsNoErrorInHealthz) {
  const Server server;
  const Outcome outcome =
      LoadgenProcess({"-t1", "-c4", "-d1s", "--timeout", "60s", server.url() + "/healthz"}, "wrk").wait();
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_NE(outcome.output.find("requests in"), std::string::npos) << outcome.output;
  EXPECT_EQ(outcome.output.find("Non-2xx"), std::string::npos) << outcome.output;
  EXPECT_EQ(outcome.output.find("Socket errors"), std::string::npos) << outcome.output;
}

// While requests are held, the kernel has exactly the connections that the server counts: those that are
// held, and a few by which the generator publishes and asks for /stats. This test's own connection is closed
// before it looks again.
TEST(OtherTools, TheKernelHasTheConnectionsThatAreHeld) {
  constexpr int kHeld = 300;
  const Server server;
  LoadgenProcess generator(
      {"run", "--url", server.url(), "--held", std::to_string(kHeld), "--seconds", "5", "--json"});
  const auto until = steady_clock::now() + std::chrono::seconds(60);
  Connection connection = server.connect();
  std::int64_t by_kernel = -1;
  std::int64_t by_server = -2;
  while (by_kernel != by_server && steady_clock::now() < until) {
    const auto before = stats(connection);
    by_kernel = connections_by_ss(server);
    const auto after = stats(connection);
    if (before.at("held") == kHeld && before.at("connections") == after.at("connections"))
      by_server = after.at("connections").to_number<std::int64_t>();
  }
  EXPECT_EQ(by_kernel, by_server);
  EXPECT_GE(by_kernel, kHeld + 1);
  EXPECT_LE(by_kernel, kHeld + 8);
  const auto figures = figures_of(generator.wait());
  EXPECT_EQ(figures.at("held"), kHeld);
}

// Both programs count the same deliveries. The server also counts the two of the smoke set.
TEST(OtherTools, TheGeneratorCountsTheDeliveriesThatTheServerCounts) {
  const Server server;
  const auto figures =
      figures_of(run_loadgen({"run", "--url", server.url(), "--held", "50", "--rounds", "10", "--json"}));
  EXPECT_EQ(figures.at("deliveries").at("delivered").to_number<std::int64_t>() + 2,
            stat(server, "delivered"));
}

}  // namespace
}  // namespace comet::test
