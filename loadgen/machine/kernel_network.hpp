// Segments that the kernel sent again and packets that it dropped, system-wide: they explain long latencies
// that are not the server's.
#pragma once

#include <cstdint>
#include <optional>

namespace comet::loadgen {

struct KernelNetwork {
  // TCP segments sent again (RetransSegs of /proc/net/snmp). Usually each has waited 200 ms or more.
  std::int64_t retransmitted = 0;
  // Packets dropped because a CPU's receive queue was full, at net.core.netdev_max_backlog (second column of
  // /proc/net/softnet_stat). On loopback this is the usual cause of segments sent again.
  std::int64_t dropped = 0;
};

// Totals since boot; nothing if they cannot be read.
std::optional<KernelNetwork> kernel_network();

}  // namespace comet::loadgen
