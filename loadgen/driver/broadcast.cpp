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

constexpr int kExtraRounds = 3;          // in which system calls are counted
constexpr int kAskedToKnowTheCost = 50;  // of one /stats

}  // namespace

Rounds::Rounds(Trial& trial) : trial_(trial) {
  trial_.clocks().find_processes();
  const CpuReading before = trial_.read_cpu();
  for (int i = 0; i < kAskedToKnowTheCost; ++i) trial_.held();
  stats_cpu_ns_ = used_between(before, trial_.read_cpu()).server_ns.value_or(0) / kAskedToKnowTheCost;
}

Round Rounds::run() {
  Schedule& schedule = trial_.clients().schedule();
  const auto number = static_cast<std::uint32_t>(schedule.published + 1);
  const std::string request =
      post_request(trial_.server().publish_to, "/publish?channel=bench", message_body({0, number}));
  const ClientTotals before = trial_.clients().totals();
  trial_.publisher().connect();
  trial_.clocks().find_processes();
  const CpuReading start = trial_.read_cpu();
  const std::int64_t due_ns = now_ns();
  schedule.base_ns = due_ns;
  schedule.base_message = number - 1;
  schedule.published = number;
  trial_.result().deliveries.expected += before.subscribed();
  trial_.publisher().send(request);
  const std::int64_t idle_ns = deliver(before.delivered + before.subscribed());
  Round round;
  if (trial_.scenario().ask_at_once) {
    const int asked = trial_.wait_until_all_held();
    round.cycle = {now_ns() - due_ns, used_since(start, asked, idle_ns)};
  } else {
    const CpuReading middle = trial_.read_cpu();
    const ClientTotals delivered = trial_.clients().totals();
    const std::int64_t last_ns = std::max(due_ns + 1, delivered.last_delivery_ns);
    if (delivered.last_arrival_ns > due_ns && delivered.last_arrival_ns <= last_ns)
      round.reached_ns = delivered.last_arrival_ns - due_ns;
    round.delivery = {last_ns - due_ns, used_between(start, middle)};
    round.delivery->use.wall_ns -= idle_ns;
    round.again = ask_again();
    round.cycle = {round.delivery->time_ns + round.again->time_ns, round.delivery->use};
    round.cycle.use += round.again->use;
  }
  const ClientTotals after = trial_.clients().totals();
  round.deliveries = after.delivered - before.delivered;
  trial_.progress().counts(trial_.result().held, after.delivered);
  return round;
}

Phase Rounds::ask_again() {
  const CpuReading before = trial_.read_cpu();
  const std::int64_t told_ns = now_ns();
  trial_.clients().ask_again();
  const int asked = trial_.wait_until_all_held();
  const std::int64_t time_ns = now_ns() - told_ns;
  return {time_ns, used_since(before, asked, 0)};
}

// `asked`: how often the server was asked how many it holds.
CpuUse Rounds::used_since(const CpuReading& before, int asked, std::int64_t idle_ns) const {
  CpuUse use = used_between(before, trial_.read_cpu());
  use.wall_ns -= idle_ns;
  if (use.server_ns) use.server_ns = std::max<std::int64_t>(0, *use.server_ns - asked * stats_cpu_ns_);
  return use;
}

// Waits until all subscribers have the message, or no more deliveries come. Returns for how long
// none came then.
std::int64_t Rounds::deliver(std::int64_t expected) {
  ClientProcesses& clients = trial_.clients();
  const std::int64_t published = clients.schedule().published;
  std::int64_t last_delivered = -1;
  std::int64_t last_progress = now_ns();
  std::int64_t idle_ns = 0;
  while (idle_ns <= kDeliverTimeout && !clients.wait_round(published, 100)) {
    trial_.check_alive();
    const std::int64_t delivered = clients.totals().delivered;
    if (delivered >= expected) break;
    if (delivered != last_delivered) last_progress = now_ns();
    last_delivered = delivered;
    idle_ns = now_ns() - last_progress;
  }
  const Response answer = trial_.publisher().receive();
  if (answer.status != 200)
    throw std::runtime_error("/publish was answered " + std::to_string(answer.status));
  return idle_ns > kDeliverTimeout ? idle_ns : 0;
}

namespace {

PhaseFigures figures_of(const std::vector<Round>& rounds, const std::vector<Phase>& phases,
                        double machine_cores) {
  std::vector<double> times_ms;
  std::vector<double> rates;
  std::int64_t deliveries = 0;
  CpuUse use;
  for (std::size_t i = 0; i < phases.size(); ++i) {
    times_ms.push_back(static_cast<double>(phases[i].time_ns) / 1e6);
    rates.push_back(static_cast<double>(rounds[i].deliveries) * 1e9 / static_cast<double>(phases[i].time_ns));
    deliveries += rounds[i].deliveries;
    use += phases[i].use;
  }
  PhaseFigures figures;
  figures.time_ms = median(times_ms);
  figures.longest_ms = *std::max_element(times_ms.begin(), times_ms.end());
  figures.per_second = median(rates);
  figures.busiest_client_cores = use.cores(use.busiest_client_ns);
  figures.bounded = is_bounded(use, machine_cores);
  if (!use.server_ns) return figures;
  figures.server_cores = use.cores(*use.server_ns);
  if (deliveries > 0)
    figures.server_cpu_us = static_cast<double>(*use.server_ns) / 1e3 / static_cast<double>(deliveries);
  return figures;
}

CpuUse use_of(const std::vector<Round>& rounds) {
  CpuUse use;
  for (const Round& round : rounds) use += round.cycle.use;
  return use;
}

}  // namespace

Phases phases_of(const std::vector<Round>& rounds, double machine_cores) {
  std::vector<Phase> delivery, again, cycle;
  std::vector<double> reached_ms;
  for (const Round& round : rounds) {
    if (round.delivery) delivery.push_back(*round.delivery);
    if (round.again) again.push_back(*round.again);
    cycle.push_back(round.cycle);
    if (round.reached_ns) reached_ms.push_back(static_cast<double>(*round.reached_ns) / 1e6);
  }
  Phases phases;
  phases.rounds = static_cast<int>(rounds.size());
  if (!delivery.empty()) phases.delivery = figures_of(rounds, delivery, machine_cores);
  if (!again.empty()) phases.again = figures_of(rounds, again, machine_cores);
  phases.cycle = figures_of(rounds, cycle, machine_cores);
  if (!reached_ms.empty()) phases.reached_sockets_ms = median(reached_ms);
  return phases;
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

void run_broadcast(Trial& trial, std::int64_t held) {
  trial.hold(held);
  trial.progress().phase("memory at hold");
  trial.read_memory(&MemoryFigures::held);
  Rounds rounds(trial);
  warm_up(trial, [&rounds] { rounds.run(); });
  trial.progress().phase("rounds");

  // As many rounds as are asked for, as long as is asked for; at least a few.
  const Scenario& scenario = trial.scenario();
  const int least = scenario.rounds.value_or(kMinimumRounds);
  std::vector<Round> timed;
  trial.start_costs();
  const std::int64_t start = now_ns();
  const std::int64_t end = start + std::llround(scenario.duration_seconds * kSecond);
  while (static_cast<int>(timed.size()) < least || now_ns() < end) timed.push_back(rounds.run());
  trial.result().duration_seconds = static_cast<double>(now_ns() - start) / kSecond;
  trial.stop_costs();
  trial.result().phases = phases_of(timed, Trial::machine_cores());
  trial.result().deliveries.per_second = trial.result().phases->cycle.per_second;
  trial.take_samples(use_of(timed));

  trial.progress().phase("memory after rounds");
  trial.read_memory(&MemoryFigures::after);
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
  const std::vector<Round> timed{rounds.run()};
  result.duration_seconds = static_cast<double>(now_ns() - start) / kSecond;
  trial.stop_costs();
  result.phases = phases_of(timed, Trial::machine_cores());
  trial.take_samples(use_of(timed));
  trial.read_memory(&MemoryFigures::after);
  trial.check_connections();
}

}  // namespace comet::loadgen
