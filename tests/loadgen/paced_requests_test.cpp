// Requests at a fixed rate to a server that answers late: which request waits for which, and that
// there is an end.
#include "loadgen/clients/paced_requests.hpp"

#include <gtest/gtest.h>

#include "loadgen/clock.hpp"
#include "loadgen/driver/scenarios.hpp"
#include "tests/loadgen/stub_server.hpp"

namespace comet::test {
using namespace loadgen;
namespace {

constexpr std::chrono::milliseconds kDelay{200};
constexpr std::int64_t kInterval = 20 * kMillisecond;
constexpr std::int64_t kCount = 6;

Pace pace_of(std::int64_t count) {
  const std::int64_t start = now_ns();
  return {start, kInterval, count, start + 3600 * kSecond};
}

PacedRequests publish(const StubServer& stub, std::int64_t connections, std::int64_t channels, Pace pace) {
  const Endpoint endpoint{"127.0.0.1", stub.port()};
  Connections clients(endpoint, connections);
  PacedRequests requests(clients, channels, pace, 200, [&](std::int64_t) {
    return post_request(endpoint, "/publish?channel=all", "message");
  });
  run_paced({&requests}, [] {});
  return requests;
}

TEST(PacedRequests, OnOneConnectionEachWaitsForTheAnswerBeforeItAndIsCounted) {
  const StubServer stub({.delay = kDelay});
  const PacedRequests requests = publish(stub, 1, 1, pace_of(kCount));
  EXPECT_EQ(requests.waited(), kCount - 1);
  ASSERT_EQ(requests.lags().size(), static_cast<std::size_t>(kCount));
  EXPECT_GE(requests.lags().back(), (kCount - 1) * (kDelay.count() * kMillisecond - kInterval));
  // A latency counts from when the request was due: else what waited would be missing (coordinated omission).
  EXPECT_GE(requests.latencies().back(), requests.lags().back() + kDelay.count() * kMillisecond);
}

TEST(PacedRequests, OnConnectionsOfTheirOwnNoneWaitsForAnother) {
  const StubServer stub({.delay = kDelay});
  const PacedRequests requests = publish(stub, kCount, kCount, pace_of(kCount));
  EXPECT_EQ(requests.waited(), 0);
  EXPECT_EQ(requests.latencies().size(), static_cast<std::size_t>(kCount));
}

// Otherwise two of its messages could be on their way at once, and arrive in the other order.
TEST(PacedRequests, AChannelKeepsToOneOfSeveralConnections) {
  const StubServer stub({.delay = kDelay});
  EXPECT_EQ(publish(stub, 2, 1, pace_of(kCount)).waited(), kCount - 1);
}

TEST(PacedRequests, WhatCouldNotLeaveInTimeNeverDoes) {
  const StubServer stub({.delay = std::chrono::seconds(6)});
  Pace pace = pace_of(kCount);
  pace.last_ns = pace.start_ns + 4 * kSecond;
  EXPECT_EQ(publish(stub, 1, 1, pace).lags().size(), 1u);
}

// 8 publishes are due within 0.2 s, and their answers take 1.5 s each.
TEST(PacedRequests, AServerThatIsTooSlowStillGivesItsFiguresAndIsSaidToBe) {
  const StubServer stub({.delay = std::chrono::milliseconds(1500)});
  Scenario scenario;
  scenario.kind = Kind::kSteady;
  scenario.publishes_per_second = 40;
  scenario.duration_seconds = 0.2;
  scenario.cursors = true;
  Progress progress;
  Measurement result;
  const Endpoint endpoint{"127.0.0.1", stub.port()};
  run_scenario({{endpoint}, endpoint, {}, [] { return std::optional<std::string>(); }}, scenario, 5,
               std::nullopt, progress, result);
  EXPECT_EQ(result.status, Status::kComplete) << result.note;
  ASSERT_TRUE(result.publishes && result.latency);
  EXPECT_LT(result.publishes->sent, 8);
  EXPECT_NE(result.note.find(" of 8 publishes could not be sent within 3 s"), std::string::npos)
      << result.note;
  EXPECT_EQ(result.deliveries.expected, 5 * (1 + result.publishes->sent));
  EXPECT_EQ(result.deliveries.lost, 0);
}

}  // namespace
}  // namespace comet::test
