// Machine facts: see machine.hpp.
#include "loadgen/machine/machine.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <ctime>

#include "loadgen/machine/proc_file.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;

struct Setting {
  const char* name;
  const char* usual;  // the kernel's default; empty if it depends on the machine
};

// Everything that tuning/apply can change, and the congestion control.
constexpr std::array<Setting, 18> kSettings{{{"fs/nr_open", ""},
                                             {"fs/file-max", ""},
                                             {"net/core/rmem_max", ""},
                                             {"net/core/wmem_max", ""},
                                             {"net/core/somaxconn", "4096"},
                                             {"net/core/netdev_max_backlog", "1000"},
                                             {"net/ipv4/tcp_rmem", ""},
                                             {"net/ipv4/tcp_wmem", ""},
                                             {"net/ipv4/tcp_mem", ""},
                                             {"net/ipv4/tcp_syncookies", "1"},
                                             {"net/ipv4/tcp_keepalive_time", "7200"},
                                             {"net/ipv4/ip_local_port_range", "32768\t60999"},
                                             {"net/ipv4/tcp_max_syn_backlog", ""},
                                             {"net/ipv4/tcp_congestion_control", "cubic"},
                                             {"net/netfilter/nf_conntrack_max", ""},
                                             {"kernel/pid_max", ""},
                                             {"kernel/threads-max", ""},
                                             {"vm/max_map_count", "65530"}}};

// Null if the file or the line is not there.
json::value line_of(const std::string& path, std::string_view start) {
  const std::string text = read_proc_file(path);
  const auto line = line_after(text, start);
  return text.empty() || !line ? json::value(nullptr) : json::value(std::string(*line));
}

json::value limit_of(__rlimit_resource resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return nullptr;
  return limit.rlim_max;
}

// Sets `output` to what a shell command prints, without the newline at its end. False if the command fails.
bool run_command(const std::string& command, std::string& output) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return false;
  std::array<char, 4096> buffer;
  output.clear();
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return pclose(pipe) == 0;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

}  // namespace

json::object machine_facts() {
  utsname system{};
  uname(&system);
  json::object settings;
  json::array changed;
  for (const auto& [name, usual] : kSettings) {
    settings[name] = line_of(std::string("/proc/sys/") + name, "");
    if (*usual != '\0' && settings[name] != usual) changed.emplace_back(name);
  }
  return {{"cpu", line_of("/proc/cpuinfo", "model name\t: ")},
          {"cores", sysconf(_SC_NPROCESSORS_ONLN)},
          {"allowed_cores", line_of("/proc/self/status", "Cpus_allowed_list:")},
          {"memory", line_of("/proc/meminfo", "MemTotal:")},
          {"kernel", std::string(system.sysname) + " " + system.release},
          {"open_files_limit", limit_of(RLIMIT_NOFILE)},
          {"processes_limit", limit_of(RLIMIT_NPROC)},
          {"settings", std::move(settings)},
          {"changed_settings", std::move(changed)}};
}

json::object run_facts(const std::vector<std::string>& command_line, const std::filesystem::path& root) {
  const std::string commit = commit_of(root);
  return {{"started_at", utc_now()},
          {"command_line", json::value_from(command_line)},
          {"commit", commit.empty() ? json::value(nullptr) : json::value(commit)},
          {"machine", machine_facts()}};
}

std::string commit_of(const std::filesystem::path& root) {
  const std::string git = "git -C " + quoted(root.string()) + " ";
  std::string commit;
  std::string changes;
  if (!run_command(git + "rev-parse HEAD 2>/dev/null", commit)) return {};
  if (run_command(git + "status --porcelain --untracked-files=no 2>/dev/null", changes) && !changes.empty())
    commit += "-changed";
  return commit;
}

std::string package_versions(const std::vector<std::string>& packages) {
  std::string versions;
  for (const std::string& package : packages) {
    std::string version;
    if (!run_command("dpkg-query -W -f '${Version}' " + quoted(package) + " 2>/dev/null", version)) continue;
    versions += (versions.empty() ? "" : ", ") + package + " " + version;
  }
  return versions;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  std::array<char, 32> text;
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
  return text.data();
}

}  // namespace comet::loadgen
