// Limits from /proc and /sys: see limits.hpp.
#include "loadgen/machine/limits.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>
#include <vector>

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;
using Number = Limits::Number;

// The first number of a file; nothing where there is none ("max").
Number number_in(const fs::path& file) {
  std::int64_t number = 0;
  if (std::ifstream(file) >> number) return number;
  return {};
}

// Of /proc/self/limits; column 0 is the soft limit, 1 the hard one.
Number process_limit(const fs::path& root, const std::string& name, int column) {
  std::ifstream file(root / "proc/self/limits");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    std::istringstream words(line.substr(name.size()));
    std::string word;
    for (int i = 0; i <= column; ++i) words >> word;
    return word == "unlimited" ? Number{} : std::stoll(word);
  }
  return {};
}

// The number after "running/" in the fourth field of /proc/loadavg.
std::int64_t tasks_now(const fs::path& root) {
  std::ifstream file(root / "proc/loadavg");
  std::string load, running;
  std::int64_t tasks = 0;
  file >> load >> load >> load;
  std::getline(file, running, '/');
  file >> tasks;
  return tasks;
}

// The number after a word that begins a line.
std::int64_t number_after(const std::string& name, const fs::path& path, std::int64_t or_else) {
  std::ifstream file(path);
  for (std::string word, line; file >> word; std::getline(file, line)) {
    std::int64_t number = 0;
    if (word == name && file >> number) return number;
  }
  return or_else;
}

// What the kernel compares with the limit of a user's processes, of those that can be seen here.
std::int64_t tasks_of_user(const fs::path& root, uid_t user) {
  std::int64_t tasks = 0;
  std::error_code error;
  for (const auto& folder : fs::directory_iterator(root / "proc", error)) {
    if (std::isdigit(folder.path().filename().native().front()) == 0) continue;  // "self" would count twice
    const fs::path status = folder.path() / "status";
    if (number_after("Uid:", status, -1) == user) tasks += number_after("Threads:", status, 0);
  }
  return tasks;
}

Number available_memory(const fs::path& root) {
  const std::int64_t kilobytes = number_after("MemAvailable:", root / "proc/meminfo", -1);
  return kilobytes < 0 ? Number{} : kilobytes * 1024;
}

// This process's groups, as folders: of cgroup v2 ("0::/path"), and of v1's controller of pids
// ("8:pids:/path").
std::vector<fs::path> own_groups(const fs::path& root) {
  std::vector<fs::path> groups;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path path = fs::path(line.substr(second + 1)).relative_path();
    if (controllers.empty()) groups.push_back(path);
    if (controllers == "pids") groups.push_back("pids" / path);
  }
  return groups;
}

std::int64_t tasks_of(const fs::path& group) { return number_in(group / "pids.current").value_or(0); }

std::int64_t memory_of(const fs::path& group) {
  const std::int64_t cache = number_after("inactive_file", group / "memory.stat", 0);
  return std::max<std::int64_t>(0, number_in(group / "memory.current").value_or(0) - cache);
}

// A group may have no more than each group that it is in.
GroupLimit tightest(const fs::path& root, const char* file, std::int64_t (*used)(const fs::path& group)) {
  const fs::path top = root / "sys/fs/cgroup";
  GroupLimit tightest;
  for (const fs::path& group : own_groups(root)) {
    for (fs::path folder = group;; folder = folder.parent_path()) {
      const GroupLimit limit{number_in(top / folder / file), used(top / folder),
                             (top / folder / file).string()};
      if (limit.most && (!tightest.most || *limit.most - limit.used < *tightest.most - tightest.used))
        tightest = limit;
      if (folder.empty() || folder == folder.parent_path()) break;
    }
  }
  return tightest;
}

}  // namespace

Limits read_limits(const fs::path& root, uid_t user) {
  const auto sysctl = [&root](const char* path) { return number_in(root / "proc/sys" / path); };
  Limits limits;
  limits.open_files = process_limit(root, "Max open files", 1);
  limits.most_open_files = sysctl("fs/nr_open");
  limits.open_files_of_all = sysctl("fs/file-max");
  limits.files_open = sysctl("fs/file-nr").value_or(0);
  if (user != 0) {
    limits.processes_of_user = process_limit(root, "Max processes", 0);
    limits.most_processes_of_user = process_limit(root, "Max processes", 1);
    limits.tasks_of_user = tasks_of_user(root, user);
  }
  limits.pid_max = sysctl("kernel/pid_max");
  limits.threads_max = sysctl("kernel/threads-max");
  limits.tasks = tasks_now(root);
  limits.group_tasks = tightest(root, "pids.max", tasks_of);
  limits.group_memory = tightest(root, "memory.max", memory_of);
  limits.maps = sysctl("vm/max_map_count");
  limits.memory_bytes = available_memory(root);
  std::ifstream range(root / "proc/sys/net/ipv4/ip_local_port_range");
  std::int64_t first = 0, last = 0;
  if (range >> first >> last) limits.local_ports = last - first + 1;
  limits.tracked_connections = sysctl("net/netfilter/nf_conntrack_max");
  limits.tracked_now = sysctl("net/netfilter/nf_conntrack_count").value_or(0);
  return limits;
}

}  // namespace comet::loadgen
