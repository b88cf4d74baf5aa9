// Costs of the timed part: see costs.hpp.
#include "loadgen/driver/costs.hpp"

namespace comet::loadgen {

void set_cpu(const CpuUse& use, std::int64_t deliveries, double machine_cores, Measurement& result) {
  if (use.wall_ns <= 0) return;
  const auto per_delivery_us = [deliveries](std::int64_t cpu_ns) {
    return deliveries <= 0
               ? std::nullopt
               : std::optional(static_cast<double>(cpu_ns) / 1e3 / static_cast<double>(deliveries));
  };
  if (use.server_ns) {
    result.server.cores = use.cores(*use.server_ns);
    result.server.cpu_us = per_delivery_us(*use.server_ns);
  }
  GeneratorFigures& generator = result.generator;
  generator.cores = use.cores(use.generator_ns);
  generator.busiest_client_cores = use.cores(use.busiest_client_ns);
  generator.cpu_us = per_delivery_us(use.generator_ns);
  generator.limited = is_bounded(use, machine_cores);
}

void set_counts(const KernelCounts& before, const KernelCounts& after, std::int64_t deliveries,
                Measurement& result) {
  // Fewer than before: they were not counted of the same threads.
  if (before.server && after.server && deliveries > 0 &&
      after.server->context_switches >= before.server->context_switches)
    result.server.context_switches =
        static_cast<double>(after.server->context_switches - before.server->context_switches) /
        static_cast<double>(deliveries);
  if (before.network && after.network) {
    result.retransmitted = after.network->retransmitted - before.network->retransmitted;
    result.dropped = after.network->dropped - before.network->dropped;
  }
}

}  // namespace comet::loadgen
