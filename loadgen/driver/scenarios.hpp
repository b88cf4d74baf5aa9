// The scenarios, one function each; run_scenario() chooses.
#pragma once

#include <functional>
#include <optional>

#include "loadgen/clock.hpp"
#include "loadgen/driver/trial.hpp"

namespace comet::loadgen {

constexpr int kMinimumRounds = 3;
// Since the last delivery: what is still missing is lost.
constexpr std::int64_t kDeliverTimeout = 5 * kSecond;
// At most this many connections publish, and as many send other requests.
constexpr std::int64_t kConnectionsAtFixedRates = 8;

// Each fills trial.result() as it goes, and throws if something goes wrong.
void run_hold(Trial& trial, const std::vector<std::int64_t>& sizes);
void run_broadcast(Trial& trial, std::int64_t held);
void run_steady(Trial& trial, std::int64_t held);  // also channels and blocking
void run_churn(Trial& trial, std::int64_t held);

// How many connections the server must take at once: in churn more than are held, because some arrive before
// the server has noticed that others left.
std::int64_t connections_at_a_time(const Scenario& scenario, std::int64_t held);

// Arrivals of churn in its whole duration.
std::int64_t arrivals_of(const Scenario& scenario, std::int64_t held);

// Fills `result` as it goes. If something goes wrong, its status and note say what. Throws only Interrupted;
// `result` then has what was measured so far.
void run_scenario(const ServerUnderTest& server, const Scenario& scenario, std::int64_t held,
                  std::optional<int> client_processes, Progress& progress, Measurement& result);

}  // namespace comet::loadgen
