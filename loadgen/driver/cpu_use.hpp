// CPU time of the server and of the load generator between two moments, and whether it limited what
// was measured.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "loadgen/clients/client_processes.hpp"

namespace comet::loadgen {

// CPU clocks read at one moment. With thousands of processes reading takes milliseconds: the CPU time of each
// was read between `begin_ns` and `end_ns`.
struct CpuReading {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  std::optional<std::int64_t> server_ns;  // over its process tree
  std::int64_t driver_ns = 0;
  std::vector<std::int64_t> clients_ns;  // of each client process
};

// What was used between two readings, or the sum of several such uses.
struct CpuUse {
  std::int64_t wall_ns = 0;               // from the begin of one reading to the end of the other
  std::optional<std::int64_t> server_ns;  // nothing if it is not known
  std::int64_t generator_ns = 0;          // driver and clients
  std::int64_t busiest_client_ns = 0;     // of the client process that used most

  CpuUse& operator+=(const CpuUse& other);
  double cores(std::int64_t cpu_ns) const;  // 1 is one core all the time
};

CpuUse used_between(const CpuReading& before, const CpuReading& after);

// The one rule for "at least this fast": a client process used more than 0.9 of a core, or all together
// more than 0.95 of the machine's cores. Then the server might do more with other clients, or on a machine
// with more cores.
bool is_bounded(const CpuUse& use, double machine_cores);

// Reads the clocks of the server, or of the servers together, and of the load generator.
class CpuClocks {
 public:
  // `roots` of the servers' process trees; none if they run elsewhere.
  explicit CpuClocks(std::vector<pid_t> roots) : roots_(std::move(roots)) { find_processes(); }

  // Looks for the server's processes anew if some have started or ended on this machine since. That reads all
  // of /proc, so it is done outside of what is timed.
  void find_processes();
  CpuReading read(const ClientProcesses& clients) const;
  const std::vector<pid_t>& processes() const { return processes_; }

 private:
  std::vector<pid_t> roots_;
  std::vector<pid_t> processes_;
  std::int64_t tasks_ = -1;  // on this machine, when they were looked for
};

}  // namespace comet::loadgen
