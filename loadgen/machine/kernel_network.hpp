// What the kernel's network path did to the traffic, system-wide: it explains a latency tail that no server
// made.
#pragma once

#include <cstdint>
#include <optional>

namespace comet::loadgen {

struct KernelNetwork {
  // TCP segments sent again (RetransSegs of /proc/net/snmp); each has waited 200 ms or more as a rule.
  std::int64_t retransmitted = 0;
  // Packets dropped as a CPU's receive queue held net.core.netdev_max_backlog (second column of
  // /proc/net/softnet_stat). On loopback this is the usual cause of retransmission.
  std::int64_t dropped = 0;
};

// Totals since boot; nothing when they cannot be read.
std::optional<KernelNetwork> kernel_network();

}  // namespace comet::loadgen
