// From /proc, and by prlimit().
#include "tests/hardening/processes.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace comet::test {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(pid_t process) { return fs::path("/proc") / std::to_string(process); }

// The numbers of the descriptors that it has open.
std::vector<std::size_t> descriptors_of(pid_t process) {
  std::vector<std::size_t> numbers;
  std::error_code ended;
  fs::directory_iterator each(folder_of(process) / "fd", ended);
  for (; !ended && each != fs::directory_iterator(); each.increment(ended)) {
    numbers.push_back(std::stoul(each->path().filename()));
  }
  return numbers;
}

std::size_t private_kilobytes(pid_t process) {
  std::ifstream file(folder_of(process) / "smaps_rollup");
  std::size_t sum = 0;
  for (std::string word; file >> word;) {
    std::size_t value = 0;
    if (word.starts_with("Private_") && file >> value) sum += value;
  }
  return sum;
}

}  // namespace

Usage usage_of(const std::vector<pid_t>& processes) {
  Usage usage;
  for (const pid_t process : processes) {
    usage.descriptors = std::max(usage.descriptors, descriptors_of(process).size());
    usage.private_kilobytes += private_kilobytes(process);
  }
  return usage;
}

std::size_t descriptors_end(pid_t process) {
  const auto numbers = descriptors_of(process);
  return numbers.empty() ? 0 : *std::max_element(numbers.begin(), numbers.end()) + 1;
}

std::size_t writable_memory(pid_t process) {
  std::ifstream file(folder_of(process) / "statm");
  std::size_t address_space = 0, resident = 0, shared = 0, text = 0, unused = 0, data = 0;
  file >> address_space >> resident >> shared >> text >> unused >> data;
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return data * page;
}

void limit(pid_t process, __rlimit_resource resource, std::size_t soft) {
  rlimit now{};
  if (prlimit(process, resource, nullptr, &now) == 0) {
    now.rlim_cur = std::min<rlim_t>(soft, now.rlim_max);
    if (prlimit(process, resource, &now, nullptr) == 0) return;
  }
  if (errno != ESRCH) throw std::system_error(errno, std::generic_category(), "prlimit");
}

SleepingProcesses::SleepingProcesses(uid_t user, int count) {
  for (int i = 0; i < count; ++i) {
    const pid_t process = fork();
    if (process == 0) {
      if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && syscall(SYS_setresuid, user, -1, -1) == 0) {
        while (true) pause();
      }
      _exit(1);
    }
    if (process > 0) processes_.push_back(process);
  }
}

SleepingProcesses::~SleepingProcesses() {
  for (const pid_t process : processes_) kill(process, SIGKILL);
  for (const pid_t process : processes_) waitpid(process, nullptr, 0);
}

}  // namespace comet::test
