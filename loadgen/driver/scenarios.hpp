// The scenarios, one function each; run_scenario() chooses.
#pragma once

#include <functional>
#include <optional>

#include "loadgen/clock.hpp"
#include "loadgen/driver/trial.hpp"

namespace comet::loadgen {

constexpr int kMinimumRounds = 3;
constexpr std::int64_t kDeliverTimeout = 5 * kSecond;  // without one more delivery: what is missing is lost
constexpr std::int64_t kConnectionsAtFixedRates = 8;   // at most, of the publisher and of others

// Each fills trial.result() as it goes and throws on what goes wrong.
void run_hold(Trial& trial, const std::vector<std::int64_t>& sizes);
void run_broadcast(Trial& trial, std::int64_t held);
void run_steady(Trial& trial, std::int64_t held);  // also channels and blocking
void run_churn(Trial& trial, std::int64_t held);

// With room for those of churn that come before the server has seen others leave.
std::int64_t connections_at_a_time(const Scenario& scenario, std::int64_t held);

// Arrivals of churn in its whole duration.
std::int64_t arrivals_of(const Scenario& scenario, std::int64_t held);

// Fills `result` as it goes; what goes wrong becomes its status and note. Throws Interrupted only, with what
// was measured so far in `result`.
void run_scenario(const ServerUnderTest& server, const Scenario& scenario, std::int64_t held,
                  std::optional<int> client_processes, Progress& progress, Measurement& result);

}  // namespace comet::loadgen
