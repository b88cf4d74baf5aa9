// From /proc.
#include "tests/conformance/process_group.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace comet::test {
namespace {

namespace fs = std::filesystem;

// 0: the process has ended.
pid_t group_of(const fs::path& folder) {
  std::ifstream file(folder / "stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');  // the name before it may hold anything
  if (name_end == std::string::npos) return 0;
  char state = 0;
  int parent = 0;
  int group = 0;
  if (std::sscanf(line.c_str() + name_end + 1, " %c %d %d", &state, &parent, &group) != 3 || state == 'Z')
    return 0;
  return group;
}

// Its number and how often it has run; empty if it runs now.
std::string sleeping_thread(const fs::path& folder) {
  std::ifstream file(folder / "status");
  std::string text = folder.filename();
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("State:") && line.find("S (sleeping)") == std::string::npos) return "";
    if (line.find("ctxt_switches:") != std::string::npos) text += " " + line;
  }
  return text;
}

}  // namespace

std::vector<pid_t> processes_of(pid_t group) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (group_of(entry.path()) == group) found.push_back(std::stoi(name));
  }
  return found;
}

std::string sleeping_threads(pid_t group) {
  std::string all;
  for (const pid_t process : processes_of(group)) {
    std::error_code ended;
    fs::directory_iterator each("/proc/" + std::to_string(process) + "/task", ended);
    for (; !ended && each != fs::directory_iterator(); each.increment(ended)) {
      const std::string thread = sleeping_thread(each->path());
      if (thread.empty()) return "";
      all += thread + "\n";
    }
  }
  return all;
}

}  // namespace comet::test
