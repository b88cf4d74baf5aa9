// Process figures from /proc: see process_tree.hpp.
#include "loadgen/machine/process_tree.hpp"

#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>

#include "loadgen/machine/proc_file.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(pid_t process) { return "/proc/" + std::to_string(process); }

struct ProcessLine {
  std::int64_t parent = 0;
  std::int64_t group = 0;
  std::int64_t waited_children_ticks = 0;  // cutime + cstime
};

// /proc/PID/stat, fields as in proc(5). The name in parentheses may hold anything: the fields are counted
// from its end.
std::optional<ProcessLine> read_process_line(pid_t process) {
  const std::string text = read_proc_file(folder_of(process) / "stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  const auto words = words_of(std::string_view(text).substr(name_end + 1));
  if (words.size() < 15) return std::nullopt;
  const auto number = [&words](std::size_t field) { return number_in(words[field - 3]).value_or(0); };
  return ProcessLine{number(4), number(5), number(16) + number(17)};
}

// As the links in /proc/PID/fd name them: "socket:[INODE]".
std::set<std::string> listening_sockets(std::uint16_t port) {
  constexpr std::int64_t kListen = 10;
  std::set<std::string> sockets;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const std::string text = read_proc_file(path);
    for (const std::string_view line : lines_of(text)) {
      const auto words = words_of(line);
      if (words.size() < 10) continue;
      const std::string_view local = words[1];
      if (number_in(local.substr(local.find(':') + 1), 16) == port && number_in(words[3], 16) == kListen)
        sockets.insert("socket:[" + std::string(words[9]) + "]");
    }
  }
  return sockets;
}

}  // namespace

std::vector<pid_t> process_tree(const std::vector<pid_t>& roots) {
  std::multimap<std::int64_t, pid_t> children;
  const std::set<pid_t> leaders(roots.begin(), roots.end());
  std::set<pid_t> tree = leaders;
  for (const pid_t process : numbered_entries("/proc")) {
    const auto line = read_process_line(process);
    if (!line) continue;
    children.emplace(line->parent, process);
    if (leaders.contains(static_cast<pid_t>(line->group))) tree.insert(process);
  }
  std::vector<pid_t> to_visit(tree.begin(), tree.end());
  while (!to_visit.empty()) {
    const auto [first, last] = children.equal_range(to_visit.back());
    to_visit.pop_back();
    for (auto child = first; child != last; ++child)
      if (tree.insert(child->second).second) to_visit.push_back(child->second);
  }
  return {tree.begin(), tree.end()};
}

std::int64_t cpu_clock_ns(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

std::int64_t process_cpu_ns(const std::vector<pid_t>& processes) {
  std::int64_t total = 0;
  for (const pid_t process : processes) total += process_cpu_ns({process}, {process});
  return total;
}

std::int64_t process_cpu_ns(const std::vector<pid_t>& processes, const std::vector<pid_t>& roots) {
  static const std::int64_t ns_per_tick = 1'000'000'000 / sysconf(_SC_CLK_TCK);
  std::int64_t total = 0;
  for (const pid_t process : processes) total += cpu_clock_ns(process);
  for (const pid_t root : roots)
    if (const auto line = read_process_line(root)) total += line->waited_children_ticks * ns_per_tick;
  return total;
}

std::vector<pid_t> threads_of(pid_t process) { return numbered_entries(folder_of(process) / "task"); }

bool listens_on(pid_t process, std::uint16_t port) {
  const std::set<std::string> sockets = listening_sockets(port);
  std::error_code error;
  for (const auto& descriptor : fs::directory_iterator(folder_of(process) / "fd", error)) {
    const std::string target = fs::read_symlink(descriptor.path(), error).string();
    if (sockets.contains(target)) return true;
  }
  return false;
}

std::optional<std::int64_t> open_descriptors(const std::vector<pid_t>& processes) {
  std::optional<std::int64_t> total;
  for (const pid_t process : processes) {
    std::error_code error;
    const fs::directory_iterator descriptors(folder_of(process) / "fd", error);
    if (!error) total = total.value_or(0) + std::distance(descriptors, {});
  }
  return total;
}

ThreadCounts thread_counts(const std::vector<pid_t>& processes) {
  ThreadCounts counts;
  for (const pid_t process : processes) {
    const fs::path tasks = folder_of(process) / "task";
    for (const pid_t thread : threads_of(process)) {
      const fs::path folder = tasks / std::to_string(thread);
      const std::string status = read_proc_file(folder / "status");
      const auto voluntary = number_after(status, "voluntary_ctxt_switches:");
      const auto involuntary = number_after(status, "nonvoluntary_ctxt_switches:");
      if (!voluntary || !involuntary) continue;
      counts.context_switches += *voluntary + *involuntary;
      ++counts.threads;
    }
  }
  return counts;
}

std::optional<std::int64_t> proportional_set_size(const std::vector<pid_t>& processes) {
  std::optional<std::int64_t> total;
  for (const pid_t process : processes) {
    const auto kibibytes = number_after(read_proc_file(folder_of(process) / "smaps_rollup"), "Pss:");
    if (kibibytes) total = total.value_or(0) + *kibibytes * 1024;
  }
  return total;
}

}  // namespace comet::loadgen
