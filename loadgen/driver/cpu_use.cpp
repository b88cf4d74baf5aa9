// CPU time between two moments: see cpu_use.hpp.
#include "loadgen/driver/cpu_use.hpp"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>

#include "loadgen/clock.hpp"
#include "loadgen/machine/process_tree.hpp"

namespace comet::loadgen {
namespace {

constexpr double kBusyClient = 0.9;    // of a core: even a busy process waits for packets now and then
constexpr double kBusyMachine = 0.95;  // of all cores

std::int64_t tasks_on_this_machine() {
  struct sysinfo facts {};
  return sysinfo(&facts) == 0 ? facts.procs : -1;
}

}  // namespace

CpuUse& CpuUse::operator+=(const CpuUse& other) {
  if (wall_ns == 0) return *this = other;
  wall_ns += other.wall_ns;
  if (server_ns && other.server_ns)
    *server_ns += *other.server_ns;
  else
    server_ns.reset();
  generator_ns += other.generator_ns;
  busiest_client_ns += other.busiest_client_ns;
  return *this;
}

double CpuUse::cores(std::int64_t cpu_ns) const {
  return wall_ns <= 0 ? 0 : static_cast<double>(cpu_ns) / static_cast<double>(wall_ns);
}

CpuUse used_between(const CpuReading& before, const CpuReading& after) {
  CpuUse use;
  use.wall_ns = after.end_ns - before.begin_ns;
  // If it fell, it was not read from the same processes.
  if (before.server_ns && after.server_ns && *after.server_ns >= *before.server_ns)
    use.server_ns = *after.server_ns - *before.server_ns;
  use.generator_ns = after.driver_ns - before.driver_ns;
  for (std::size_t i = 0; i < after.clients_ns.size(); ++i) {
    const std::int64_t cpu_ns = after.clients_ns[i] - before.clients_ns[i];
    use.generator_ns += cpu_ns;
    use.busiest_client_ns = std::max(use.busiest_client_ns, cpu_ns);
  }
  return use;
}

bool is_bounded(const CpuUse& use, double machine_cores) {
  return use.cores(use.busiest_client_ns) > kBusyClient ||
         use.cores(use.generator_ns + use.server_ns.value_or(0)) > kBusyMachine * machine_cores;
}

void CpuClocks::find_processes() {
  const std::int64_t tasks = tasks_on_this_machine();
  if (roots_.empty() || (tasks == tasks_ && tasks >= 0)) return;
  tasks_ = tasks;
  processes_ = process_tree(roots_);
}

CpuReading CpuClocks::read(const ClientProcesses& clients) const {
  CpuReading reading;
  reading.begin_ns = now_ns();
  if (!roots_.empty()) reading.server_ns = process_cpu_ns(processes_, roots_);
  reading.driver_ns = cpu_clock_ns(getpid());
  reading.clients_ns = clients.cpu_ns();
  reading.end_ns = now_ns();
  return reading;
}

}  // namespace comet::loadgen
