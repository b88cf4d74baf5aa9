// Counts a process tree's system calls by the kernel's tracepoint raw_syscalls:sys_enter. Each count costs
// the server some time, so this is never on while something is timed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace comet::loadgen {

class SystemCallCount {
 public:
  // Starts counting for every thread of `processes`, and for those that they start from now on. Where that is
  // not permitted, or tracefs is not mounted, read() gives nothing.
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
