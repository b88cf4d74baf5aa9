// The broadcast scenario: see broadcast.hpp and scenarios.hpp.
#include "loadgen/driver/broadcast.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "loadgen/clients/message.hpp"
#include "loadgen/clock.hpp"
#include "loadgen/driver/scenarios.hpp"
#include "loadgen/results/statistics.hpp"

namespace comet::loadgen {
namespace {

constexpr int kExtraRounds = 3;  // in which system calls are counted

}  // namespace

double Rounds::run() {
  Schedule& schedule = trial_.clients().schedule();
  const auto number = static_cast<std::uint32_t>(schedule.published + 1);
  const std::string request =
      post_request(trial_.server().endpoint, "/publish?channel=bench", message_body({0, number}));
  const ClientTotals before = trial_.clients().totals();
  trial_.publisher().connect();
  const std::int64_t intended_ns = now_ns();
  schedule.base_ns = intended_ns;
  schedule.base_message = number - 1;
  schedule.published = number;
  trial_.result().deliveries.expected += before.subscribed();
  trial_.publisher().send(request);
  deliver(before.delivered + before.subscribed());
  trial_.wait_until_all_held();
  const std::int64_t duration_ns = now_ns() - intended_ns;
  const ClientTotals after = trial_.clients().totals();
  trial_.progress().counts(trial_.result().held, after.delivered);
  return static_cast<double>(after.delivered - before.delivered) * 1e9 / static_cast<double>(duration_ns);
}

// Waits until all subscribers have the message, or no more deliveries come.
void Rounds::deliver(std::int64_t expected) {
  ClientProcesses& clients = trial_.clients();
  const std::int64_t published = clients.schedule().published;
  std::int64_t last_delivered = -1;
  std::int64_t last_progress = now_ns();
  while (!clients.wait_round(published, 100)) {
    trial_.check_alive();
    const std::int64_t delivered = clients.totals().delivered;
    if (delivered >= expected) break;
    if (delivered != last_delivered) last_progress = now_ns();
    last_delivered = delivered;
    const std::int64_t idle_ns = now_ns() - last_progress;
    if (idle_ns > kDeliverTimeout) {
      trial_.exclude_idle_time(idle_ns);
      break;
    }
  }
  const Response answer = trial_.publisher().receive();
  if (answer.status != 200)
    throw std::runtime_error("/publish was answered " + std::to_string(answer.status));
}

void warm_up(Trial& trial, const std::function<void()>& round) {
  const std::int64_t start = now_ns();
  const std::int64_t end = start + std::llround(trial.server().warm_up_seconds * kSecond);
  trial.progress().phase("warm-up");
  do {
    round();
  } while (now_ns() < end);
  trial.result().warm_up_seconds = static_cast<double>(now_ns() - start) / kSecond;
}

void read_memory_after(Trial& trial) {
  if (trial.server().warm_up_seconds == 0) trial.read_memory(&MemoryFigures::after);
}

void run_broadcast(Trial& trial, std::int64_t held) {
  trial.hold(held);
  trial.progress().phase("memory at hold");
  trial.read_memory(&MemoryFigures::held);
  Rounds rounds(trial);
  warm_up(trial, [&rounds] { rounds.run(); });
  trial.progress().phase("rounds");

  const Scenario& scenario = trial.scenario();
  std::vector<double> rates;
  trial.start_costs();
  const std::int64_t start = now_ns();
  const std::int64_t end = start + std::llround(scenario.duration_seconds * kSecond);
  const auto enough = [&] {
    const auto count = static_cast<int>(rates.size());
    return scenario.rounds ? count >= *scenario.rounds : count >= kMinimumRounds && now_ns() >= end;
  };
  while (!enough()) rates.push_back(rounds.run());
  trial.result().duration_seconds = static_cast<double>(now_ns() - start) / kSecond;
  trial.stop_costs();
  trial.result().deliveries.per_second = median(rates);
  trial.take_samples();

  trial.progress().phase("memory after rounds");
  read_memory_after(trial);
  trial.count_system_calls([&rounds] {
    for (int i = 0; i < kExtraRounds; ++i) rounds.run();
  });
  trial.check_connections();
}

void run_hold(Trial& trial, const std::vector<std::int64_t>& sizes) {
  Measurement& result = trial.result();
  const auto add_point = [&] {
    trial.progress().phase("memory at hold");
    trial.read_memory(&MemoryFigures::held);
    result.points.push_back({std::nullopt, result.held, result.user.held, result.kernel.held});
  };
  result.points.push_back({std::nullopt, 0, result.user.at_rest, result.kernel.at_rest});
  for (const std::int64_t size : sizes) {
    try {
      trial.hold(size);
    } catch (const Ceiling&) {
      result.points.push_back({std::nullopt, result.held, result.user.held, result.kernel.held});
      throw;
    }
    add_point();
  }
  // One message shows that all these requests were really held.
  trial.progress().phase("one message to all");
  Rounds rounds(trial);
  trial.start_costs();
  const std::int64_t start = now_ns();
  rounds.run();
  result.duration_seconds = static_cast<double>(now_ns() - start) / kSecond;
  trial.stop_costs();
  trial.take_samples();
  trial.read_memory(&MemoryFigures::after);
  trial.check_connections();
}

}  // namespace comet::loadgen
