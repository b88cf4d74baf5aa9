// What the processes of a server under test use, and limits that are set while they run.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstddef>
#include <vector>

namespace comet::test {

struct Usage {
  std::size_t descriptors = 0;        // of the process that has most: a pool may have grown by one
  std::size_t private_kilobytes = 0;  // pages that no other process shares
};

// Memory of all of them together; one that ends meanwhile counts as nothing.
Usage usage_of(const std::vector<pid_t>& processes);

// The number above the highest descriptor in use; every new one needs at least that limit.
std::size_t descriptors_end(pid_t process);
std::size_t writable_memory(pid_t process);  // bytes, not only those in use

// Sets the soft limit alone, so that it can be raised again. Throws std::system_error.
void limit(pid_t process, __rlimit_resource resource, std::size_t soft);

// Processes of another user, who for the kernel has that many fewer; they end with this.
class SleepingProcesses {
 public:
  SleepingProcesses(uid_t user, int count);
  ~SleepingProcesses();
  SleepingProcesses(const SleepingProcesses&) = delete;
  SleepingProcesses& operator=(const SleepingProcesses&) = delete;

 private:
  std::vector<pid_t> processes_;
};

}  // namespace comet::test
