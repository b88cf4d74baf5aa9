// What the server and the load generator have used in the timed part, for one delivery and in cores.
#pragma once

#include <cstdint>
#include <optional>

#include "loadgen/driver/cpu_use.hpp"
#include "loadgen/machine/kernel_network.hpp"
#include "loadgen/machine/process_tree.hpp"
#include "loadgen/results/measurement.hpp"

namespace comet::loadgen {

// Counts of the kernel, read before and after the timed part. Reading them takes long for a server of many
// processes or threads, so no CPU time and no wall time is taken meanwhile.
struct KernelCounts {
  std::optional<ThreadCounts> server;
  std::optional<KernelNetwork> network;
};

// Sets the CPU time of `result`, per delivery and in cores. `machine_cores`: how many all processes
// together may use.
void set_cpu(const CpuUse& use, std::int64_t deliveries, double machine_cores, Measurement& result);

// Sets context switches per delivery, and what the kernel's network counted.
void set_counts(const KernelCounts& before, const KernelCounts& after, std::int64_t deliveries,
                Measurement& result);

}  // namespace comet::loadgen
