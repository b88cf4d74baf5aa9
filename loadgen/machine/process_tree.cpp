// Process figures from /proc: see process_tree.hpp.
#include "loadgen/machine/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

namespace comet::loadgen {
namespace {

struct DirectoryCloser {
  void operator()(DIR* directory) const { closedir(directory); }
};

// The numeric names in a folder of /proc: processes or threads.
std::vector<pid_t> numeric_entries(const std::string& folder) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, DirectoryCloser> directory(opendir(folder.c_str()));
  if (!directory) return numbers;
  while (const dirent* entry = readdir(directory.get())) {
    const int number = std::atoi(entry->d_name);
    if (number > 0) numbers.push_back(number);
  }
  return numbers;
}

// A whole small file; empty when it is gone or may not be read.
std::string read_small_file(const std::string& path) {
  std::array<char, 8192> buffer;
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::string text;
  for (ssize_t size = 0; (size = read(file, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(size));
  close(file);
  return text;
}

struct ProcessLine {
  pid_t parent = 0;
  pid_t group = 0;
  std::int64_t waited_children_ticks = 0;  // cutime + cstime
};

// /proc/PID/stat, fields as in proc(5); the name in parentheses may hold anything, so parsing starts after
// it.
bool read_process_line(pid_t process, ProcessLine& line) {
  const std::string text = read_small_file("/proc/" + std::to_string(process) + "/stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return false;
  long user = 0;
  long system = 0;
  const int found =
      std::sscanf(text.c_str() + name_end + 1, " %*c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %ld %ld",
                  &line.parent, &line.group, &user, &system);
  line.waited_children_ticks = user + system;
  return found == 4;
}

// The number after `name` in a "Name:   123" file of /proc, or -1.
std::int64_t value_after(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  return at == std::string_view::npos ? -1 : std::atoll(text.data() + at + name.size());
}

// "socket:[INODE]", as links in /proc/PID/fd name them.
std::set<std::string> listening_sockets(std::uint16_t port) {
  constexpr unsigned kListen = 10;
  std::set<std::string> sockets;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      unsigned local = 0;
      unsigned state = 0;
      unsigned long inode = 0;
      if (std::sscanf(line.c_str(), " %*d: %*[0-9A-F]:%x %*s %x %*s %*s %*s %*d %*d %lu", &local, &state,
                      &inode) == 3 &&
          local == port && state == kListen)
        sockets.insert("socket:[" + std::to_string(inode) + "]");
    }
  }
  return sockets;
}

}  // namespace

std::vector<pid_t> process_tree(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  std::set<pid_t> tree{root};
  for (const pid_t process : numeric_entries("/proc")) {
    ProcessLine line;
    if (!read_process_line(process, line)) continue;
    children.emplace(line.parent, process);
    if (line.group == root) tree.insert(process);
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

std::int64_t process_cpu_ns(const std::vector<pid_t>& processes) {
  static const std::int64_t ns_per_tick = 1'000'000'000 / sysconf(_SC_CLK_TCK);
  std::int64_t total = 0;
  for (const pid_t process : processes) {
    // The CPU clock counts nanoseconds, ended threads included; ticks of 10 ms would round each process down.
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(process, &clock) == 0 && clock_gettime(clock, &time) == 0)
      total += time.tv_sec * 1'000'000'000 + time.tv_nsec;
    ProcessLine line;
    if (read_process_line(process, line)) total += line.waited_children_ticks * ns_per_tick;
  }
  return total;
}

std::vector<pid_t> threads_of(pid_t process) {
  return numeric_entries("/proc/" + std::to_string(process) + "/task");
}

bool listens_on(pid_t process, std::uint16_t port) {
  const std::set<std::string> sockets = listening_sockets(port);
  std::error_code error;
  const std::string folder = "/proc/" + std::to_string(process) + "/fd";
  for (const auto& descriptor : std::filesystem::directory_iterator(folder, error)) {
    const std::string target = std::filesystem::read_symlink(descriptor.path(), error).string();
    if (sockets.contains(target)) return true;
  }
  return false;
}

std::optional<std::int64_t> open_descriptors(const std::vector<pid_t>& processes) {
  std::optional<std::int64_t> total;
  for (const pid_t process : processes) {
    const std::string folder = "/proc/" + std::to_string(process) + "/fd";
    const std::unique_ptr<DIR, DirectoryCloser> directory(opendir(folder.c_str()));
    if (!directory) continue;
    std::int64_t count = -2;  // "." and ".."
    while (readdir(directory.get()) != nullptr) ++count;
    total = total.value_or(0) + count;
  }
  return total;
}

ProcessCost process_cost(const std::vector<pid_t>& processes) {
  ProcessCost cost;
  cost.cpu_ns = process_cpu_ns(processes);
  for (const pid_t process : processes) {
    const std::string tasks = "/proc/" + std::to_string(process) + "/task/";
    for (const pid_t thread : threads_of(process)) {
      const std::string folder = tasks + std::to_string(thread);
      const std::string status = read_small_file(folder + "/status");
      const std::int64_t voluntary = value_after(status, "\nvoluntary_ctxt_switches:");
      const std::int64_t involuntary = value_after(status, "\nnonvoluntary_ctxt_switches:");
      if (voluntary < 0 || involuntary < 0) continue;
      cost.context_switches += voluntary + involuntary;
      ++cost.threads;
      // Its first number is nanoseconds on a CPU; empty where the kernel counts none.
      cost.thread_cpu_ns[thread] = std::atoll(read_small_file(folder + "/schedstat").c_str());
    }
  }
  return cost;
}

std::optional<std::int64_t> proportional_set_size(const std::vector<pid_t>& processes) {
  std::optional<std::int64_t> total;
  for (const pid_t process : processes) {
    const std::int64_t kibibytes =
        value_after(read_small_file("/proc/" + std::to_string(process) + "/smaps_rollup"), "\nPss:");
    if (kibibytes >= 0) total = total.value_or(0) + kibibytes * 1024;
  }
  return total;
}

}  // namespace comet::loadgen
