// Costs of the timed part: see costs.hpp.
#include "loadgen/driver/costs.hpp"

#include <algorithm>

namespace comet::loadgen {
namespace {

constexpr double kBusy = 0.95;  // of a core: even a busy process waits for packets now and then

// Nothing if the number fell: then it was not read from the same processes.
std::optional<double> grown(std::int64_t before, std::int64_t after) {
  if (after < before) return std::nullopt;
  return static_cast<double>(after - before);
}

// All the CPU time of a thread that started meanwhile counts.
double busiest_thread(const ProcessCost& before, const ProcessCost& after) {
  std::int64_t busiest = 0;
  for (const auto& [thread, cpu_ns] : after.thread_cpu_ns) {
    const auto start = before.thread_cpu_ns.find(thread);
    busiest = std::max(busiest, cpu_ns - (start == before.thread_cpu_ns.end() ? 0 : start->second));
  }
  return static_cast<double>(busiest);
}

void set_server_costs(const ProcessCost& before, const ProcessCost& after, std::int64_t deliveries,
                      double wall, ServerFigures& server) {
  const auto cpu = grown(before.cpu_ns, after.cpu_ns);
  const auto switches = grown(before.context_switches, after.context_switches);
  if (cpu) server.cores = *cpu / wall;
  if (deliveries <= 0) return;
  if (cpu) server.cpu_us = *cpu / 1e3 / static_cast<double>(deliveries);
  if (switches) server.context_switches = *switches / static_cast<double>(deliveries);
}

}  // namespace

// The generator was the limit if one of its processes, each a single thread, was busy all the time, and the
// server could have done more: none of its threads was busy all the time, and the machine had CPU time left.
// The number of threads says nothing, because threads of a pool may have no work. Of a server on another
// machine only the first is known.
bool limited_by_generator(const Load& load) {
  if (load.busiest_process <= kBusy) return false;
  if (!load.server) return true;
  return load.busiest_server_thread < kBusy && *load.server + load.generator < kBusy * load.machine_cores;
}

void set_costs(const Costs& before, const Costs& after, std::int64_t deliveries, double machine_cores,
               Measurement& result) {
  const auto wall = static_cast<double>(after.at_ns - before.at_ns);
  if (wall <= 0) return;
  Load load;
  load.machine_cores = machine_cores;
  if (before.server && after.server) {
    set_server_costs(*before.server, *after.server, deliveries, wall, result.server);
    load.server = result.server.cores;
    load.busiest_server_thread = busiest_thread(*before.server, *after.server) / wall;
  }
  auto total = static_cast<double>(after.driver_cpu_ns - before.driver_cpu_ns);
  load.busiest_process = total / wall;
  for (std::size_t i = 0; i < after.client_cpu_ns.size(); ++i) {
    const auto cpu = static_cast<double>(after.client_cpu_ns[i] - before.client_cpu_ns[i]);
    total += cpu;
    load.busiest_process = std::max(load.busiest_process, cpu / wall);
  }
  GeneratorFigures& generator = result.generator;
  generator.cores = load.generator = total / wall;
  if (deliveries > 0) generator.cpu_us = total / 1e3 / static_cast<double>(deliveries);
  generator.limited = limited_by_generator(load);
  if (before.network && after.network) {
    result.retransmitted = after.network->retransmitted - before.network->retransmitted;
    result.dropped = after.network->dropped - before.network->dropped;
  }
}

}  // namespace comet::loadgen
