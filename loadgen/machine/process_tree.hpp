// What a server costs, read from /proc over its whole process tree: CPU time, context switches, memory.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace comet::loadgen {

// `roots`, all processes that descend from them, and every member of a process group that one of them leads.
std::vector<pid_t> process_tree(const std::vector<pid_t>& roots);

// The threads of a process; none if it is gone.
std::vector<pid_t> threads_of(pid_t process);

// Whether the process has a socket that listens on the TCP port. False if this user may not see its sockets.
bool listens_on(pid_t process, std::uint16_t port);

// Open descriptors, summed over the processes; nothing if those of none may be read.
std::optional<std::int64_t> open_descriptors(const std::vector<pid_t>& processes);

struct ThreadCounts {
  std::int64_t threads = 0;
  std::int64_t context_switches = 0;  // voluntary and involuntary, of running threads only
};

// One small file for each thread. Threads that end while they are read are left out.
ThreadCounts thread_counts(const std::vector<pid_t>& processes);

// CPU time of running processes, and of ended children that these waited for, at the price of two system
// calls and one small file for each process. Nanoseconds.
std::int64_t process_cpu_ns(const std::vector<pid_t>& processes);

// The same at the price of two system calls for each process: only the ended children of `roots` are included.
std::int64_t process_cpu_ns(const std::vector<pid_t>& processes, const std::vector<pid_t>& roots);

// CPU time of one process in nanoseconds, by its clock: ended threads are included, but no children. /proc
// has only ticks of 10 ms, which would round each process down. 0 when the process is gone.
std::int64_t cpu_clock_ns(pid_t process);

// Proportional set size in bytes, summed; nothing if that of no process can be read.
std::optional<std::int64_t> proportional_set_size(const std::vector<pid_t>& processes);

}  // namespace comet::loadgen
