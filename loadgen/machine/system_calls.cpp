// System calls of a process tree: see system_calls.hpp.
#include "loadgen/machine/system_calls.hpp"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "loadgen/machine/proc_file.hpp"
#include "loadgen/machine/process_tree.hpp"

namespace comet::loadgen {
namespace {

std::optional<std::int64_t> tracepoint() {
  for (const std::string folder : {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"})
    if (const auto id = number_in(read_proc_file(folder + "/events/raw_syscalls/sys_enter/id"))) return id;
  return std::nullopt;
}

int count_thread(std::int64_t event, pid_t thread) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = static_cast<std::uint64_t>(event);
  attributes.inherit = 1;
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, thread, -1, -1,
                                  static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC)));
}

}  // namespace

SystemCallCount::SystemCallCount(const std::vector<pid_t>& processes) {
  const auto event = tracepoint();
  if (!event) return;
  for (const pid_t process : processes)
    for (const pid_t thread : threads_of(process)) {
      const int counter = count_thread(*event, thread);
      if (counter < 0 && errno == ESRCH) continue;  // it ended meanwhile
      if (counter < 0) {
        close_all();
        return;
      }
      counters_.push_back(counter);
    }
}

SystemCallCount::~SystemCallCount() { close_all(); }

void SystemCallCount::close_all() {
  for (const int counter : counters_) close(counter);
  counters_.clear();
}

std::optional<std::int64_t> SystemCallCount::read() const {
  if (counters_.empty()) return std::nullopt;
  std::int64_t total = 0;
  for (const int counter : counters_) {
    std::int64_t count = 0;
    if (::read(counter, &count, sizeof count) != sizeof count) return std::nullopt;
    total += count;
  }
  return total;
}

}  // namespace comet::loadgen
