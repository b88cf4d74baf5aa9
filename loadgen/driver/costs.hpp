// What the server and the load generator have used, read before and after the timed part, and whether the
// generator was the limit.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "loadgen/machine/kernel_network.hpp"
#include "loadgen/machine/process_tree.hpp"
#include "loadgen/results/measurement.hpp"

namespace comet::loadgen {

struct Costs {
  std::int64_t at_ns = 0;
  std::optional<ProcessCost> server;
  std::int64_t driver_cpu_ns = 0;
  std::vector<std::int64_t> client_cpu_ns;
  std::optional<KernelNetwork> network;
};

// Sets the costs in `result`, per delivery and in cores. `machine_cores`: how many all processes
// together may use.
void set_costs(const Costs& before, const Costs& after, std::int64_t deliveries, double machine_cores,
               Measurement& result);

// CPU time over wall time. That of the server is not known if it runs on another machine.
struct Load {
  double busiest_process = 0;  // of the generator's driver and clients
  double generator = 0;        // all of them
  std::optional<double> server;
  double busiest_server_thread = 0;
  double machine_cores = 1;
};
bool limited_by_generator(const Load& load);

}  // namespace comet::loadgen
