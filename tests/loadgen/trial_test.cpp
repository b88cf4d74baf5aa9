// One trial, seen from inside the program: the figures of a server with known delay and loss.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <regex>
#include <utility>

#include "loadgen/driver/scenarios.hpp"
#include "tests/loadgen/loadgen_process.hpp"
#include "tests/loadgen/stub_server.hpp"

namespace comet::test {
using namespace loadgen;
namespace {

constexpr int kHeld = 40;

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

Scenario steady_with_cursors() {
  Scenario scenario = steady(20, 0.5);
  scenario.cursors = true;
  return scenario;
}

Measurement measure(
    const StubServer& stub, const Scenario& scenario, std::int64_t held, std::optional<int> processes = {},
    std::function<std::optional<std::string>()> death = [] { return std::optional<std::string>(); }) {
  Progress progress;
  Measurement result;
  const Endpoint endpoint{"127.0.0.1", stub.port()};
  run_scenario({{endpoint}, endpoint, {}, std::move(death)}, scenario, held, processes, progress, result);
  return result;
}

Measurement measure(const Scenario& scenario, const Faults& faults, std::optional<int> processes = {},
                    std::int64_t held = kHeld) {
  return measure(StubServer(faults), scenario, held, processes);
}

TEST(Trial, ADelayIsInTheLatencyAndNotInTheSkew) {
  const Measurement result = measure(broadcast(3), {.delay = std::chrono::milliseconds(100)});
  ASSERT_TRUE(result.latency && result.skew) << result.note;
  EXPECT_GE(result.latency->curve.front().second, 100'000);
  EXPECT_GE(result.latency->max_us, result.skew->max_us + 100'000);
}

// A busy machine may make a phase longer, so the shortest of several attempts is compared.
TEST(Trial, WhatDelaysTheDeliveryIsNotInTheReturnNorTheOtherWayRound) {
  const std::chrono::milliseconds delay(150);
  double shortest_return = 1e9, shortest_delivery = 1e9;
  for (int attempt = 0; attempt < 5 && std::max(shortest_return, shortest_delivery) >= 100; ++attempt) {
    const Measurement slow_delivery = measure(broadcast(3), {.delay = delay});
    ASSERT_TRUE(slow_delivery.phases && slow_delivery.phases->delivery && slow_delivery.phases->again)
        << slow_delivery.note;
    EXPECT_EQ(slow_delivery.phases->rounds, 3);
    EXPECT_GE(slow_delivery.phases->delivery->time_ms, 150);
    EXPECT_GE(slow_delivery.phases->cycle.time_ms, 150);
    shortest_return = std::min(shortest_return, slow_delivery.phases->again->time_ms);
    const Measurement slow_return = measure(broadcast(3), {.hold = delay});
    ASSERT_TRUE(slow_return.phases && slow_return.phases->delivery && slow_return.phases->again)
        << slow_return.note;
    EXPECT_GE(slow_return.phases->again->time_ms, 150);
    EXPECT_GE(slow_return.phases->cycle.time_ms, 150);
    shortest_delivery = std::min(shortest_delivery, slow_return.phases->delivery->time_ms);
  }
  EXPECT_LT(shortest_return, 100);
  EXPECT_LT(shortest_delivery, 100);
}

TEST(Trial, WhereSubscribersAskAgainAtOnceOnlyTheCycleIsKnown) {
  Scenario scenario = broadcast(3);
  scenario.ask_at_once = true;
  const Measurement result = measure(scenario, {.delay = std::chrono::milliseconds(50)});
  ASSERT_TRUE(result.phases) << result.note;
  EXPECT_FALSE(result.phases->delivery || result.phases->again);
  EXPECT_GE(result.phases->cycle.time_ms, 50);
  EXPECT_EQ(result.deliveries.delivered, 4 * kHeld);
}

TEST(Trial, TheBytesOfOneResponseAreRecorded) {
  const Measurement result = measure(broadcast(1), {});
  ASSERT_TRUE(result.deliveries.response_bytes) << result.note;
  EXPECT_GT(*result.deliveries.response_bytes, 64 + 40);  // the message, and a status line with headers
}

// What the client's own queue adds is in the latency only, so none of its percentiles can be below.
TEST(Trial, ADelayIsInTheLatencyAtTheSocketAndTheClientsQueueIsNot) {
  const Measurement result =
      measure(broadcast(3), {.delay = std::chrono::milliseconds(100), .expensive = true}, {}, 500);
  ASSERT_TRUE(result.latency && result.socket_latency && result.phases) << result.note;
  ASSERT_TRUE(result.phases->delivery && result.phases->reached_sockets_ms);
  EXPECT_GE(*result.phases->reached_sockets_ms, 100);
  EXPECT_LE(*result.phases->reached_sockets_ms, result.phases->delivery->time_ms);
  ASSERT_EQ(result.socket_latency->curve.size(), result.latency->curve.size());
  EXPECT_GE(result.socket_latency->curve.front().second, 100'000);
  for (std::size_t i = 0; i < result.latency->curve.size(); ++i)
    EXPECT_LE(result.socket_latency->curve[i].second, result.latency->curve[i].second);
}

TEST(Trial, AServerThatClosesAfterEachAnswerIsAskedAgain) {
  const Measurement result = measure(broadcast(3), {.closes = true});
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  EXPECT_EQ(result.deliveries.lost, 0);
  EXPECT_EQ(result.errors.at("reconnects"), 4 * kHeld);
}

TEST(Trial, SeveralClientProcessesMakeOneReport) {
  const Measurement result = measure(broadcast(3), {}, 3);
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  EXPECT_EQ(result.generator.processes, 3);
  EXPECT_EQ(result.deliveries.delivered, 4 * kHeld);
  EXPECT_EQ(result.deliveries.lost, 0);
}

TEST(Trial, AtAFixedRateALossIsCounted) {
  const Measurement result = measure(steady(20, 0.5), {.lost = {2 * kHeld + 1, 4 * kHeld + 1}});
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  EXPECT_EQ(result.deliveries.expected, 11 * kHeld);
  EXPECT_GE(result.deliveries.lost, 2);
  EXPECT_EQ(result.deliveries.delivered + result.deliveries.lost, result.deliveries.expected);
  EXPECT_DOUBLE_EQ(*result.deliveries.offered_per_second, 20 * kHeld);
}

TEST(Trial, WithCursorsEveryDeliveryArrivesOnce) {
  const Measurement result = measure(steady_with_cursors(), {});
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  EXPECT_EQ(result.deliveries.delivered, 11 * kHeld);
  EXPECT_EQ(result.deliveries.lost + result.deliveries.duplicate + result.deliveries.wrong, 0);
}

TEST(Trial, WithCursorsALossIsCounted) {
  const Measurement result =
      measure(steady_with_cursors(), {.lost = {2 * kHeld + 1, 2 * kHeld + 2, 4 * kHeld + 1}});
  EXPECT_EQ(result.deliveries.lost, 3) << result.note;
  EXPECT_EQ(result.deliveries.delivered, 11 * kHeld - 3);
  EXPECT_EQ(result.deliveries.duplicate + result.deliveries.wrong, 0);
}

TEST(Trial, WithCursorsARepetitionIsCounted) {
  const Measurement result =
      measure(steady_with_cursors(), {.repeated = {kHeld + 1, 2 * kHeld + 7}, .twice = {3 * kHeld + 7}});
  EXPECT_EQ(result.deliveries.duplicate, 3) << result.note;
  EXPECT_EQ(result.deliveries.delivered, 11 * kHeld);
  EXPECT_EQ(result.deliveries.lost + result.deliveries.wrong, 0);
}

// The subscriber asks for it again with the cursor before it, so nothing is lost.
TEST(Trial, WithCursorsWrongBytesAreCounted) {
  const Measurement result = measure(steady_with_cursors(), {.wrong = {kHeld + 5, 2 * kHeld + 5}});
  EXPECT_EQ(result.deliveries.wrong, 2) << result.note;
  EXPECT_EQ(result.deliveries.delivered, 11 * kHeld);
  EXPECT_EQ(result.deliveries.lost + result.deliveries.duplicate, 0);
}

// The driver's timed waits end on time; those of a server that is started afterwards have the usual delay.
TEST(Trial, TheDriversWaitsAreExactWhileItLasts) {
  const int usual_ns = prctl(PR_GET_TIMERSLACK);
  ASSERT_GT(usual_ns, 1);
  int meanwhile_ns = 0;
  measure(StubServer({}), steady(20, 0.2), 1, {}, [&meanwhile_ns] {
    meanwhile_ns = prctl(PR_GET_TIMERSLACK);
    return std::optional<std::string>();
  });
  EXPECT_EQ(meanwhile_ns, 1);
  EXPECT_EQ(prctl(PR_GET_TIMERSLACK), usual_ns);
}

// The seconds over which the costs of the timed part are divided.
double window(const Measurement& result) {
  const double deliveries = *result.deliveries.per_second * *result.duration_seconds;
  return *result.generator.cpu_us * 1e-6 * deliveries / *result.generator.cores;
}

// For a delivery that never comes, the generator waits 0.5 s at a fixed rate and 5 s in a round.
TEST(Trial, TheWaitForWhatIsLostIsNotInTheCostsOfAFixedRate) {
  double over = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {  // the driver may get no core for this long
    const Measurement result = measure(steady(20, 0.5), {.lost = {11 * kHeld}});
    ASSERT_GE(result.deliveries.lost, 1) << result.note;
    EXPECT_GE(window(result), 0.4);
    over = window(result) - *result.duration_seconds;
    if (over < 0.4) return;
  }
  FAIL() << over << " s of waiting are in the costs";
}

TEST(Trial, TheWaitForWhatIsLostIsNotInTheCostsOfABroadcast) {
  const Measurement result = measure(broadcast(4), {.lost = {2 * kHeld + 1}});
  ASSERT_EQ(result.deliveries.lost, 1) << result.note;
  EXPECT_GE(*result.duration_seconds, 5);
  EXPECT_LT(result.phases->delivery->longest_ms, 5000);
  const double in_costs = *result.generator.cpu_us * 1e-6 * (4 * kHeld - 1) / *result.generator.cores;
  EXPECT_LE(in_costs, *result.duration_seconds - 3);
}

// Each publish is answered after 100 ms, and one is due every 25 ms. So the last of 8 is due 175 ms after
// the first, and is sent after 700 ms. A load generator that sends only after each answer would report 100
// ms and no lag. A subscriber that asks again too late can miss messages, the last one too, so the bound on
// latency is lower.
TEST(Trial, LatencyCountsFromWhenAMessageWasDueNotFromWhenItCouldBeSent) {
  const Measurement result = measure(steady(40, 0.2), {.delay = std::chrono::milliseconds(100)});
  ASSERT_TRUE(result.latency && result.publish_lag) << result.note;
  EXPECT_GE(result.latency->max_us, 300'000);
  EXPECT_GE(result.publish_lag->max_us, 500'000);
}

TEST(Trial, MoreThanTheClientProcessesCanHoldIsOneClearLine) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const Measurement result = measure(broadcast(1), {}, 1, static_cast<std::int64_t>(limit.rlim_cur) + 1);
  EXPECT_EQ(result.status, Status::kFailed);
  EXPECT_NE(result.note.find("open-file limit"), std::string::npos) << result.note;
}

// The median that wrk prints, in microseconds.
double wrk_median_us(const std::string& output) {
  std::smatch match;
  if (!std::regex_search(output, match, std::regex("50%\\s+([0-9.]+)(us|ms|s)"))) return 0;
  return std::stod(match[1]) * (match[2] == "us" ? 1 : match[2] == "ms" ? 1e3 : 1e6);
}

// Both send the same request, GET /subscribe?timeout=0, to the same server of known delay. The generator
// sends it at a fixed rate, so slowly that none waits for the previous one; wrk sends one after the other.
TEST(Trial, WrkFindsTheSameLatencyAndItIsTheServers) {
  constexpr double kDelayUs = 20e3;
  const StubServer stub({.delay = std::chrono::milliseconds(20)});
  Scenario scenario;
  scenario.kind = Kind::kBlocking;
  scenario.held = {1};
  scenario.cursors = true;
  scenario.publishes_per_second = 10;
  scenario.other_requests_per_second = 10;
  scenario.duration_seconds = 2;
  double by_wrk = 0, by_generator = 0;
  for (int attempt = 0; attempt < 5; ++attempt) {  // a busy machine delays each of them by more
    const Outcome outcome =
        LoadgenProcess(
            {"-t1", "-c1", "-d1s", "--latency", stub.url() + "/subscribe?channel=others&timeout=0"}, "wrk")
            .wait();
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    by_wrk = wrk_median_us(outcome.output);
    const Measurement result = measure(stub, scenario, 1);
    ASSERT_TRUE(result.other_latency) << result.note;
    by_generator = result.other_latency->p50_us;
    EXPECT_GE(std::min(by_wrk, by_generator), kDelayUs) << outcome.output;
    if (std::max(by_wrk, by_generator) < 1.5 * kDelayUs) return;
  }
  FAIL() << by_wrk << " us by wrk, " << by_generator << " us by the generator";
}

}  // namespace
}  // namespace comet::test
