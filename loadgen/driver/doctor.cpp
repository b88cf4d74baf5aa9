// The doctor: see doctor.hpp.
#include "loadgen/driver/doctor.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "loadgen/clients/client_processes.hpp"
#include "loadgen/clients/client_socket.hpp"
#include "loadgen/numbers.hpp"

namespace comet::loadgen {
namespace {

// What is not for held requests: a server's descriptors for publishers and refusals (the five keep 64 back),
// the tasks of everything else on the machine, a server's mappings for libraries and heap.
constexpr std::int64_t kReservedDescriptors = 64;
constexpr std::int64_t kReservedTasks = 64;
constexpr std::int64_t kReservedMaps = 2048;
// In buffers of TCP when one message goes to all, if clients and servers keep pace: a page for each that has not
// read it. Twice the most that was measured.
constexpr std::int64_t kTcpBufferBytes = 512;
constexpr std::int64_t kTasksOfNode = 3;  // the server, its relay, and the client process that it has
// The kernel's PID_MAX_LIMIT: kernel.pid_max takes no more.
constexpr std::int64_t kMostPids = 4'194'304;

constexpr char kOpenFiles[] = "open files of one process, hard limit";
constexpr char kSetSysctl[] = "sudo sysctl -w ";
// Only root may raise a hard limit, and in a container root may not have the capability.
constexpr char kAsRoot[] = "  (as root with CAP_SYS_RESOURCE; then start the server there)";

std::string set_sysctl(const std::string& key, std::int64_t value) {
  return kSetSysctl + key + "=" + std::to_string(value);
}

// Collects the ceilings of one entry.
class Examination {
 public:
  // `wanted` is counted in units of `unit` held requests.
  Examination(const Limits& limits, std::int64_t wanted, std::int64_t unit = 1)
      : limits_(limits), wanted_(wanted), unit_(unit) {}

  // Each unit takes `each` of something of which there is `limit`, less `reserved`. `remedy` gets the value
  // that the limit needs.
  void add(std::int64_t each, Limits::Number limit, std::int64_t reserved, const std::string& name,
           const std::function<std::string(std::int64_t)>& remedy) {
    if (each == 0 || !limit) return;
    const std::int64_t need = wanted_ * each + reserved;
    found.push_back({std::max<std::int64_t>(0, (*limit - reserved) / each) * unit_,
                     name + " " + with_commas(*limit), remedy(need), need});
  }

  void add_sysctl(std::int64_t each, Limits::Number limit, std::int64_t reserved, const std::string& key) {
    add(each, limit, reserved, key, [&key](std::int64_t value) { return set_sysctl(key, value); });
  }

  void add_group(std::int64_t each, const GroupLimit& group, std::int64_t reserved) {
    add(each, group.most, group.used + reserved, group.file, [&group](std::int64_t value) {
      return "echo " + std::to_string(value) + " | sudo tee " + group.file;
    });
  }

  // No hard limit may be above fs.nr_open.
  std::string raise_open_files(std::int64_t value) const {
    std::string ulimit = "ulimit -n " + std::to_string(value) + kAsRoot;
    if (!limits_.most_open_files || value <= *limits_.most_open_files) return ulimit;
    return set_sysctl("fs.nr_open", value) + " && " + ulimit;
  }

  std::vector<HeldCeiling> found;

 private:
  const Limits& limits_;
  const std::int64_t wanted_;
  const std::int64_t unit_;
};

void add_tasks(Examination& examination, std::int64_t each, const Limits& limits) {
  const std::int64_t reserved = limits.tasks + kReservedTasks;
  examination.add(each, limits.pid_max, reserved, "kernel.pid_max", [](std::int64_t value) {
    if (value <= kMostPids) return set_sysctl("kernel.pid_max", value);
    return "no command: the kernel numbers no more than " + with_commas(kMostPids) + " processes and threads";
  });
  examination.add_sysctl(each, limits.threads_max, reserved, "kernel.threads-max");
  examination.add(each, limits.processes_of_user, limits.tasks_of_user + kReservedTasks,
                  "processes and threads of one user", [&limits](std::int64_t value) {
                    const auto hard = limits.most_processes_of_user;
                    return "ulimit -u " + std::to_string(value) + (hard && value > *hard ? kAsRoot : "");
                  });
  examination.add_group(each, limits.group_tasks, kReservedTasks);
}

// The load generator's connections: each of its processes has the same limit as the server.
void add_clients(Examination& examination, const Limits& limits, std::int64_t wanted) {
  if (!limits.open_files) return;
  const std::int64_t each = std::max<std::int64_t>(0, *limits.open_files - kReservedClientDescriptors);
  const std::int64_t need =
      (wanted + kMaxClientProcesses - 1) / kMaxClientProcesses + kReservedClientDescriptors;
  examination.found.push_back({each * kMaxClientProcesses,
                               std::string(kOpenFiles) + " " + with_commas(*limits.open_files),
                               examination.raise_open_files(need), need});
}

bool lowest_first(const HeldCeiling& a, const HeldCeiling& b) { return a.held < b.held; }

// If entries need different values of one limit, the largest is enough for all.
void add_remedy(std::vector<HeldCeiling>& remedies, const HeldCeiling& ceiling) {
  const auto covers = [&ceiling](const HeldCeiling& other) {
    return other.remedy == ceiling.remedy || (other.limit == ceiling.limit && other.need > ceiling.need);
  };
  if (std::any_of(remedies.begin(), remedies.end(), covers)) return;
  std::erase_if(remedies, [&ceiling](const HeldCeiling& other) {
    return other.limit == ceiling.limit && other.need < ceiling.need;
  });
  remedies.push_back(ceiling);
}

}  // namespace

std::vector<HeldCeiling> ceilings(const Entry& entry, const Limits& limits, std::int64_t wanted,
                                  std::int64_t nodes) {
  const HeldCost& cost = entry.held;
  const std::int64_t of_one = (wanted + nodes - 1) / nodes;
  Examination examination(limits, wanted);
  Examination each_node(limits, of_one, nodes);
  Examination number_of_nodes(limits, nodes, of_one);
  each_node.add(1, cost.most, kOtherConnections, "the server's own cap", [&entry](std::int64_t value) {
    // With these options the bench already asks for as many connections as it needs.
    if (!entry.capacity.empty()) return entry.name + ": none of its options allows that";
    return entry.name + ": where it has an option for " + with_commas(value) + " connections, add that to " +
           entry.manifest.string() + ", and raise \"most\" there";
  });
  each_node.add(cost.descriptors, limits.open_files, kReservedDescriptors, kOpenFiles,
                [&each_node](std::int64_t value) { return each_node.raise_open_files(value); });
  add_clients(examination, limits, wanted);
  // The client's end of each connection is an open file of this machine too.
  examination.add_sysctl(1 + cost.files, limits.open_files_of_all, limits.files_open, "fs.file-max");
  add_tasks(examination, cost.tasks, limits);
  if (nodes > 1) add_tasks(number_of_nodes, kTasksOfNode, limits);
  each_node.add_sysctl(cost.maps, limits.maps, kReservedMaps, "vm.max_map_count");
  examination.add(cost.bytes, limits.memory_bytes, 0, "available memory in bytes",
                  [&entry](std::int64_t value) {
                    return entry.name + ": " + with_commas(value >> 20) + " MiB of available memory";
                  });
  examination.add_group(cost.bytes, limits.group_memory, 0);
  examination.add(
      kTcpBufferBytes, limits.tcp_buffer_bytes, 0, "bytes by net.ipv4.tcp_mem", [](std::int64_t value) {
        const std::string pages = std::to_string(value / sysconf(_SC_PAGESIZE) + 1);
        return std::string(kSetSysctl) + "net.ipv4.tcp_mem='" + pages + " " + pages + " " + pages + "'";
      });
  examination.add_sysctl(1, limits.tracked_connections, limits.tracked_now, "net.netfilter.nf_conntrack_max");
  if (limits.local_ports && *limits.local_ports < kConnectionsPerAddress) {
    examination.found.push_back(
        {*limits.local_ports,
         "net.ipv4.ip_local_port_range, ports of one address " + with_commas(*limits.local_ports),
         std::string(kSetSysctl) + "net.ipv4.ip_local_port_range='10000 65535'", kConnectionsPerAddress});
  }
  for (const Examination* part : {&each_node, &number_of_nodes})
    examination.found.insert(examination.found.end(), part->found.begin(), part->found.end());
  std::stable_sort(examination.found.begin(), examination.found.end(), lowest_first);
  return examination.found;
}

std::string why_not_held(const Entry& entry, const Limits& limits, std::int64_t held) {
  const auto found = ceilings(entry, limits, held);
  if (found.empty() || found.front().held >= held) return {};
  return "can hold " + with_commas(found.front().held) + " of " + with_commas(held) +
         " here: " + found.front().limit + " (" + found.front().remedy + ")";
}

int print_ceilings(const std::vector<Entry>& entries, const Limits& limits, std::int64_t held,
                   std::int64_t nodes) {
  std::vector<HeldCeiling> remedies;
  bool all_fit = true;
  std::printf("%-26s %15s  %s\n", "entry", "can be held", "what binds first");
  for (const Entry& entry : entries) {
    const auto found = ceilings(entry, limits, held, nodes);
    const std::string name = entry.name + (nodes > 1 ? ", " + with_commas(nodes) + " nodes" : "");
    const std::string most = found.empty() ? "no limit" : with_commas(found.front().held);
    std::printf("%-26s %15s  %s\n", name.c_str(), most.c_str(),
                found.empty() ? "" : found.front().limit.c_str());
    for (const HeldCeiling& ceiling : found) {
      if (ceiling.held >= held) break;
      all_fit = false;
      add_remedy(remedies, ceiling);
    }
  }
  if (all_fit) {
    std::printf("\n%s can be held by each of them\n", with_commas(held).c_str());
    return 0;
  }
  std::printf("\nto hold %s by each of them:\n", with_commas(held).c_str());
  for (const HeldCeiling& ceiling : remedies) std::printf("  %s\n", ceiling.remedy.c_str());
  if (std::any_of(remedies.begin(), remedies.end(),
                  [](const HeldCeiling& ceiling) { return ceiling.remedy.starts_with(kSetSysctl); }))
    std::printf("all settings of the kernel at once: sudo tuning/apply --held %lld --yes\n",
                static_cast<long long>(held));
  return 1;
}

std::string why_not_measured(const Entry& entry, const Scenario& scenario, const Limits& limits,
                             std::int64_t held) {
  std::vector<std::string> needs{"subscribe", "publish", "stats"};
  for (std::string& part : scenario.needs()) needs.push_back(std::move(part));
  for (const std::string& part : needs)
    if (!entry.keeps_part(part)) return std::string("keeps no ") + part + ", which the scenario needs";
  if (!scenario.server_options.empty() && !entry.keeps_all)
    return "does not keep the whole contract, and so not " + scenario.server_options.front();
  // The hold scenario finds out by itself how many can be held, and records it.
  return scenario.kind == Kind::kHold ? ""
                                      : why_not_held(entry, limits, connections_at_a_time(scenario, held));
}

int run_doctor(const DoctorOptions& options) {
  const auto entries = select_entries(find_entries(options.root), options.entries);
  return print_ceilings(entries, read_limits("/", geteuid()), options.held, options.nodes);
}

}  // namespace comet::loadgen
