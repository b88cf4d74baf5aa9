// The load generator measures a server of known delay, loss and duplication, and must report exactly those.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "tests/loadgen/loadgen_process.hpp"
#include "tests/loadgen/stub_server.hpp"

namespace comet::test {
namespace {

constexpr int kHeld = 20;
constexpr int kRounds = 4;
constexpr int kDeliveries = kHeld * (kRounds + 1);  // the first round is the warm-up

boost::json::object measure(const Faults& faults, int repeats = 1) {
  const StubServer stub(faults);
  const Outcome outcome =
      run_loadgen({"run", "--url", stub.url(), "--held", std::to_string(kHeld), "--rounds",
                   std::to_string(kRounds), "--repeats", std::to_string(repeats), "--json"});
  EXPECT_EQ(outcome.errors.find("error"), std::string::npos) << outcome.errors;
  EXPECT_FALSE(outcome.left_a_child);
  return figures_of(outcome);
}

std::int64_t count(const boost::json::object& figures, const char* key) {
  return figures.at("deliveries").as_object().at(key).to_number<std::int64_t>();
}

double latency_us(const boost::json::object& figures, const char* key) {
  return figures.at("latency").as_object().at(key).to_number<double>();
}

TEST(KnownFaults, WithoutFaultsEveryDeliveryArrivesOnce) {
  const auto figures = measure({});
  EXPECT_EQ(count(figures, "expected"), kDeliveries);
  EXPECT_EQ(count(figures, "delivered"), kDeliveries);
  EXPECT_EQ(count(figures, "lost"), 0);
  EXPECT_EQ(count(figures, "duplicate"), 0);
  EXPECT_EQ(count(figures, "wrong"), 0);
}

TEST(KnownFaults, TheDelayIsInEveryPercentile) {
  const auto figures = measure({.delay = std::chrono::milliseconds(150)});
  EXPECT_EQ(count(figures, "delivered"), kDeliveries);
  EXPECT_GE(latency_us(figures, "p50_us"), 150e3);
  EXPECT_GE(latency_us(figures, "max_us"), latency_us(figures, "p99_us"));
  EXPECT_LT(latency_us(figures, "p50_us"), 300e3) << "a busy machine delays, but not by that";
}

TEST(KnownFaults, LostDeliveriesAreCountedExactly) {
  const auto figures = measure({.lost = {kHeld + 3, kHeld + 4, kHeld + 9}});
  EXPECT_EQ(count(figures, "expected"), kDeliveries);
  EXPECT_EQ(count(figures, "lost"), 3);
  EXPECT_EQ(count(figures, "delivered"), kDeliveries - 3);
  EXPECT_EQ(count(figures, "duplicate"), 0);
}

TEST(KnownFaults, RepeatedDeliveriesAreCountedExactly) {
  const auto figures = measure({.repeated = {kHeld + 1, kHeld + 7, 2 * kHeld + 7, 3 * kHeld + 7}});
  EXPECT_EQ(count(figures, "duplicate"), 4);
  EXPECT_EQ(count(figures, "delivered"), kDeliveries);
  EXPECT_EQ(count(figures, "lost"), 0);
}

TEST(KnownFaults, MessagesSentTwiceAtOnceAreCountedExactly) {
  const auto figures = measure({.twice = {kHeld + 1, kHeld + 7, 2 * kHeld + 7}});
  EXPECT_EQ(figures.at("status"), "complete") << figures.at("note");
  EXPECT_EQ(count(figures, "duplicate"), 3);
  EXPECT_EQ(count(figures, "delivered"), kDeliveries);
  EXPECT_EQ(count(figures, "lost"), 0);
}

// A wrong answer is not a delivery, so its message counts as lost too.
TEST(KnownFaults, WrongBytesAreCountedExactly) {
  const auto figures = measure({.wrong = {kHeld + 5, kHeld + 6}});
  EXPECT_EQ(count(figures, "wrong"), 2);
  EXPECT_EQ(count(figures, "lost"), 2);
  EXPECT_EQ(count(figures, "delivered"), kDeliveries - 2);
}

// Otherwise the second trial would count them as other clients, which would have left before it
// counts its own.
TEST(KnownFaults, ATrialBeginsWhenTheClientsOfTheOneBeforeHaveLeft) {
  const auto figures = measure({.leave = std::chrono::milliseconds(500)}, 2);
  EXPECT_EQ(figures.at("status"), "complete") << figures.at("note");
  EXPECT_TRUE(figures.at("note").is_null()) << figures.at("note");
}

TEST(KnownFaults, ATrialThatBeginsAmongTheClientsOfTheOneBeforeSaysSo) {
  const auto figures = measure({.leave = std::chrono::hours(1)}, 2);
  EXPECT_EQ(figures.at("note"), "began with 20 held where the first trial began with 0");
  EXPECT_EQ(figures.at("held"), kHeld);
  EXPECT_EQ(count(figures, "delivered"), kDeliveries);
}

// The generator needs 30 us to read what the server sends in 10 us, and with cursors the next message is
// there at once, so the generator never waits.
TEST(KnownFaults, AGeneratorThatIsSlowerThanTheServerIsMarked) {
  const FakeProject folder("{}");
  const std::string scenario = folder.root() / "too-fast.json";
  std::ofstream(scenario)
      << R"({"kind": "steady", "held": [100], "duration_s": 1, "publishes_per_second": 500,
                                 "cursors": true})";
  double least_cores = 2;
  for (int attempt = 0; attempt < 5; ++attempt) {
    const StubServer stub({.expensive = true});
    const auto figures =
        figures_of(run_loadgen({"run", "--url", stub.url(), "--scenario", scenario, "--json"}));
    const auto& generator = figures.at("generator").as_object();
    if (generator.at("limited").as_bool()) return;
    const auto& cores = generator.at("cores_used");
    least_cores = std::min(least_cores, cores.is_null() ? 0 : cores.to_number<double>());
  }
  if (least_cores < 0.98) GTEST_SKIP() << "the generator got no whole core, only " << least_cores;
  FAIL() << "it used " << least_cores << " cores or more";
}

TEST(KnownFaults, AGeneratorThatWaitsForTheServerIsNotMarked) {
  EXPECT_FALSE(measure({.delay = std::chrono::milliseconds(50)}).at("generator").at("limited").as_bool());
}

TEST(KnownFaults, AServerThatFailsTheSmokeSetIsNotMeasured) {
  const StubServer stub({.wrong_smoke = true});
  const Outcome outcome = run_loadgen({"run", "--url", stub.url(), "--held", "1", "--rounds", "1"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.output, "");
  EXPECT_NE(outcome.errors.find("not verified: /subscribe was answered 'xxx"), std::string::npos)
      << outcome.errors;
}

// The stub listens in this process; its parent process does not listen.
TEST(KnownFaults, CostsAreThoseOfTheProcessThatListens) {
  EXPECT_TRUE(measure({.pid = getppid()}).at("server").at("processes").is_null());
  EXPECT_FALSE(measure({.pid = getpid()}).at("server").at("processes").is_null());
}

}  // namespace
}  // namespace comet::test
