// Counts the system calls of a process tree by the kernel's tracepoint raw_syscalls:sys_enter. Counting slows
// the server down, so nothing is timed meanwhile.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace comet::loadgen {

class SystemCallCount {
 public:
  // Starts counting for every thread of `processes` and for every thread and process that these start from
  // now on. If that is not permitted, or if tracefs is not mounted, read() returns nothing.
  explicit SystemCallCount(const std::vector<pid_t>& processes);
  ~SystemCallCount();
  SystemCallCount(const SystemCallCount&) = delete;
  SystemCallCount& operator=(const SystemCallCount&) = delete;

  std::optional<std::int64_t> read() const;

 private:
  void close_all();

  std::vector<int> counters_;
};

}  // namespace comet::loadgen
