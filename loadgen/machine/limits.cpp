// Limits from /proc and /sys: see limits.hpp.
#include "loadgen/machine/limits.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "loadgen/machine/proc_file.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;
using Number = Limits::Number;

Number number_of_file(const fs::path& file) { return number_in(read_proc_file(file)); }

// Of /proc/self/limits; column 0 is the soft limit, 1 the hard one. "unlimited" is nothing.
Number process_limit(const fs::path& root, std::string_view name, std::size_t column) {
  const std::string text = read_proc_file(root / "proc/self/limits");
  const auto words = words_of(line_after(text, name).value_or(""));
  return column < words.size() ? number_in(words[column]) : Number{};
}

// "0.10 0.20 0.30 2/345 6789": processes and threads, of which 2 run.
std::int64_t tasks_now(const fs::path& root) {
  const std::string text = read_proc_file(root / "proc/loadavg");
  return number_in(text.substr(text.find('/') + 1)).value_or(0);
}

// What the kernel compares with the limit of a user's processes, as far as they can be seen here.
std::int64_t tasks_of_user(const fs::path& root, uid_t user) {
  std::int64_t tasks = 0;
  for (const int process : numbered_entries(root / "proc")) {
    const std::string status = read_proc_file(root / "proc" / std::to_string(process) / "status");
    if (number_after(status, "Uid:") == user) tasks += number_after(status, "Threads:").value_or(0);
  }
  return tasks;
}

Number available_memory(const fs::path& root) {
  const Number kibibytes = number_after(read_proc_file(root / "proc/meminfo"), "MemAvailable:");
  return kibibytes ? Number(*kibibytes * 1024) : std::nullopt;
}

// "32768 60999": first and last.
Number ports_of_one_address(const fs::path& root) {
  const std::string text = read_proc_file(root / "proc/sys/net/ipv4/ip_local_port_range");
  const auto words = words_of(text);
  if (words.size() < 2) return {};
  return number_in(words[1]).value_or(0) - number_in(words[0]).value_or(0) + 1;
}

// This process's groups, as folders: of cgroup v2 ("0::/path"), and of v1's controller of
// pids ("8:pids:/path").
std::vector<fs::path> own_groups(const fs::path& root) {
  std::vector<fs::path> groups;
  const std::string text = read_proc_file(root / "proc/self/cgroup");
  for (const std::string_view line : lines_of(text)) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const fs::path path = fs::path(line.substr(second + 1)).relative_path();
    if (controllers.empty()) groups.push_back(path);
    if (controllers == "pids") groups.push_back("pids" / path);
  }
  return groups;
}

std::int64_t tasks_of(const fs::path& group) { return number_of_file(group / "pids.current").value_or(0); }

std::int64_t memory_of(const fs::path& group) {
  const std::int64_t used = number_of_file(group / "memory.current").value_or(0);
  const Number cache = number_after(read_proc_file(group / "memory.stat"), "inactive_file");
  return std::max<std::int64_t>(0, used - cache.value_or(0));
}

// "287898 383867 575796", in pages: the last is the end.
Number most_in_tcp_buffers(const fs::path& root) {
  const std::string text = read_proc_file(root / "proc/sys/net/ipv4/tcp_mem");
  const auto words = words_of(text);
  const Number pages = words.size() < 3 ? Number{} : number_in(words[2]);
  return pages ? Number(*pages * sysconf(_SC_PAGESIZE)) : std::nullopt;
}

// A TCP connection from this process to itself. If the kernel tracks none while it is open, it tracks none at all,
// whatever its limit: conntrack is there, but no firewall uses it.
class OwnConnection {
 public:
  OwnConnection() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* name = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    is_open_ = listener_ >= 0 && client_ >= 0 && bind(listener_, name, size) == 0 &&
               listen(listener_, 1) == 0 && getsockname(listener_, name, &size) == 0 &&
               connect(client_, name, size) == 0;
  }
  ~OwnConnection() {
    for (const int socket : {client_, listener_})
      if (socket >= 0) close(socket);
  }
  OwnConnection(const OwnConnection&) = delete;
  OwnConnection& operator=(const OwnConnection&) = delete;
  bool is_open() const { return is_open_; }

 private:
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int client_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool is_open_ = false;
};

// A group is limited by every group around it too.
GroupLimit tightest(const fs::path& root, const char* file, std::int64_t (*used)(const fs::path& group)) {
  const fs::path top = root / "sys/fs/cgroup";
  GroupLimit tightest;
  for (const fs::path& group : own_groups(root)) {
    for (fs::path folder = group;; folder = folder.parent_path()) {
      const GroupLimit limit{number_of_file(top / folder / file), used(top / folder),
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
  const auto sysctl = [&root](const char* path) { return number_of_file(root / "proc/sys" / path); };
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
  limits.local_ports = ports_of_one_address(root);
  limits.tcp_buffer_bytes = most_in_tcp_buffers(root);
  const OwnConnection connection;
  limits.tracked_now = sysctl("net/netfilter/nf_conntrack_count").value_or(0);
  if (limits.tracked_now > 0 || !connection.is_open())
    limits.tracked_connections = sysctl("net/netfilter/nf_conntrack_max");
  return limits;
}

}  // namespace comet::loadgen
