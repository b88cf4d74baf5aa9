// The load generator on trial: against a stub server of known delay, loss and duplication it must report just
// those.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "loadgen/scenarios.hpp"
#include "tests/unit/loadgen_stub_server.hpp"

namespace comet {
namespace {

constexpr std::int64_t kHeld = 40;

Scenario broadcast(int rounds) {
  Scenario scenario;
  scenario.name = "broadcast";
  scenario.held = {kHeld};
  scenario.rounds = rounds;
  return scenario;
}

Scenario steady(double rate, double seconds) {
  Scenario scenario = broadcast(1);
  scenario.name = "steady";
  scenario.kind = Kind::kSteady;
  scenario.rounds.reset();
  scenario.publishes_per_second = rate;
  scenario.duration_seconds = seconds;
  return scenario;
}

Measurement measure(const Scenario& scenario, const StubFaults& faults, std::optional<int> processes = {},
                    std::int64_t held = kHeld) {
  const StubServer stub(faults);
  Progress progress;
  Measurement result;
  run_scenario({{"127.0.0.1", stub.port()}, std::nullopt, [] { return std::optional<std::string>(); }},
               scenario, held, processes, progress, result);
  return result;
}

TEST(LoadgenTrial, WithoutFaultsEveryDeliveryIsCounted) {
  const Measurement result = measure(broadcast(4), {});
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  EXPECT_EQ(result.held, kHeld);
  EXPECT_EQ(result.deliveries.expected, 5 * kHeld);  // with the warm-up
  EXPECT_EQ(result.deliveries.delivered, 5 * kHeld);
  EXPECT_EQ(result.deliveries.lost + result.deliveries.duplicate + result.deliveries.wrong, 0);
  EXPECT_TRUE(result.errors.empty());
  EXPECT_TRUE(result.latency && result.skew && result.publish_lag && result.deliveries.per_second);
}

TEST(LoadgenTrial, ADelayIsInTheLatencyAndNotInTheSkew) {
  StubFaults faults;
  faults.delay = std::chrono::milliseconds(100);
  const Measurement result = measure(broadcast(3), faults);
  ASSERT_TRUE(result.latency && result.skew) << result.note;
  EXPECT_GE(result.latency->curve.front().second, 100'000);
  EXPECT_GE(result.latency->max_us, result.skew->max_us + 100'000);
}

TEST(LoadgenTrial, EachLossDuplicateAndWrongMessageIsCountedOnce) {
  StubFaults faults;
  faults.lost = {3};
  faults.repeated = {2};
  faults.spoilt = {4};
  const Measurement result = measure(broadcast(5), faults);
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  EXPECT_EQ(result.deliveries.expected, 6 * kHeld);
  EXPECT_EQ(result.deliveries.lost, 2);  // who gets the spoilt message does not get its own
  EXPECT_EQ(result.deliveries.duplicate, 1);
  EXPECT_EQ(result.deliveries.wrong, 1);
}

TEST(LoadgenTrial, AServerThatClosesAfterEachAnswerIsAskedAgain) {
  StubFaults faults;
  faults.closes = true;
  const Measurement result = measure(broadcast(3), faults);
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  EXPECT_EQ(result.deliveries.lost, 0);
  EXPECT_EQ(result.errors.at("reconnects"), 4 * kHeld);
}

TEST(LoadgenTrial, SeveralClientProcessesMakeOneReport) {
  const Measurement result = measure(broadcast(3), {}, 3);
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  EXPECT_EQ(result.generator.processes, 3);
  EXPECT_EQ(result.deliveries.delivered, 4 * kHeld);
  EXPECT_EQ(result.deliveries.lost, 0);
}

TEST(LoadgenTrial, AtAFixedRateALossIsCounted) {
  StubFaults faults;
  faults.lost = {3, 5};
  const Measurement result = measure(steady(20, 0.5), faults);
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  EXPECT_EQ(result.deliveries.expected, 11 * kHeld);
  EXPECT_GE(result.deliveries.lost, 2);
  EXPECT_EQ(result.deliveries.delivered + result.deliveries.lost, result.deliveries.expected);
  EXPECT_DOUBLE_EQ(*result.deliveries.offered_per_second, 20 * kHeld);
}

// Each publish is answered after 100 ms, and one is due every 25 ms: the last of 8 is due 175 ms after the
// first and leaves after 700 ms. A closed loop would report 100 ms and no lag. Messages can be missed by a
// poll that comes late, the last too, so the bound on latency is lower.
TEST(LoadgenTrial, LatencyCountsFromWhenAMessageWasDueNotFromWhenItCouldBeSent) {
  StubFaults faults;
  faults.delay = std::chrono::milliseconds(100);
  const Measurement result = measure(steady(40, 0.2), faults);
  ASSERT_TRUE(result.latency && result.publish_lag) << result.note;
  EXPECT_GE(result.latency->max_us, 300'000);
  EXPECT_GE(result.publish_lag->max_us, 500'000);
}

TEST(LoadgenTrial, MoreThanTheClientProcessesCanHoldIsOneClearLine) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const Measurement result = measure(broadcast(1), {}, 1, static_cast<std::int64_t>(limit.rlim_cur) + 1);
  EXPECT_EQ(result.status, Status::kFailed);
  EXPECT_NE(result.note.find("open-file limit"), std::string::npos) << result.note;
}

}  // namespace
}  // namespace comet
