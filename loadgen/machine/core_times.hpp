// How the machine's cores spend their time, from /proc/stat.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace comet::loadgen {

// Of one core, in clock ticks of usually 10 ms.
struct CoreTimes {
  std::int64_t busy = 0;    // user and system, of all processes, interrupts included
  std::int64_t idle = 0;    // or waiting for a disk
  std::int64_t stolen = 0;  // used by another guest of the same host while this one wanted to run
};

// One for each core that is online; empty if the kernel does not say.
std::vector<CoreTimes> core_times();

struct CoreUse {
  std::vector<double> busy;   // share of each core's time, from 0 to 1
  double stolen_percent = 0;  // of all cores together
};

// Between two readings; nothing if they are of different numbers of cores, or no tick has passed.
std::optional<CoreUse> core_use(const std::vector<CoreTimes>& before, const std::vector<CoreTimes>& after);

}  // namespace comet::loadgen
