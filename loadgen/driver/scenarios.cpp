// Runs a scenario and turns its exceptions into a status: see scenarios.hpp.
#include "loadgen/driver/scenarios.hpp"

#include <exception>

#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

void run(Trial& trial, std::int64_t held) {
  switch (trial.scenario().kind) {
    case Kind::kHold:
      return run_hold(trial, trial.scenario().held);
    case Kind::kBroadcast:
      return run_broadcast(trial, held);
    case Kind::kSteady:
    case Kind::kChannels:
    case Kind::kBlocking:
      return run_steady(trial, held);
    case Kind::kChurn:
      return run_churn(trial, held);
  }
}

// Connections in all, over the whole time.
std::int64_t connections_of(const Scenario& scenario, std::int64_t held) {
  return scenario.kind == Kind::kChurn ? arrivals_of(scenario, held) : held;
}

}  // namespace

std::int64_t connections_at_a_time(const Scenario& scenario, std::int64_t held) {
  return scenario.kind == Kind::kChurn ? held + held / 2 + 1 : held;
}

void run_scenario(const ServerUnderTest& server, const Scenario& scenario, std::int64_t held,
                  std::optional<int> client_processes, Progress& progress, Measurement& result) {
  try {
    const int processes = client_processes_for(connections_at_a_time(scenario, held), server.endpoints.size(),
                                               client_processes);
    Trial trial(server, scenario, connections_of(scenario, held), processes, progress, result);
    run(trial, held);
  } catch (const Interrupted&) {
    throw;
  } catch (const Ceiling& ceiling) {
    result.status = Status::kCeiling;
    result.note = ceiling.what();
  } catch (const std::exception& error) {
    result.status = Status::kFailed;
    const auto death = server.death();
    result.note = death ? "the server " + *death : error.what();
  }
}

}  // namespace comet::loadgen
