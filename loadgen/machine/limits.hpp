// The limits of this machine and of this session on what held requests need.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace comet::loadgen {

// What a group of processes (cgroup) may have together. Of this process's group and the groups around that:
// the one with the least left.
struct GroupLimit {
  std::optional<std::int64_t> most;
  std::int64_t used = 0;
  std::string file;  // in which the limit stands
};

// A number is missing if there is no such limit, or if this kernel or container does not have it.
struct Limits {
  using Number = std::optional<std::int64_t>;

  Number open_files;            // hard limit of one process: servers raise the soft one themselves
  Number most_open_files;       // fs.nr_open: no hard limit may be higher
  Number open_files_of_all;     // fs.file-max
  std::int64_t files_open = 0;  // now, by all processes
  // Processes and threads of one user: soft and hard limit, both missing for root, who is not limited, and
  // how many exist.
  Number processes_of_user, most_processes_of_user;
  std::int64_t tasks_of_user = 0;
  Number pid_max, threads_max;  // of all users together
  std::int64_t tasks = 0;       // processes and threads now
  GroupLimit group_tasks;       // pids.max
  Number maps;                  // of one process
  Number memory_bytes;          // available
  GroupLimit group_memory;      // memory.max; cache that the kernel can free at once does not count as used
  Number tcp_buffer_bytes;      // the end of tcp_mem: in the buffers of all sockets together
  Number local_ports;           // of one source address
  Number tracked_connections;   // conntrack; missing if nothing is tracked
  std::int64_t tracked_now = 0;
};

// Reads /proc and /sys under `root`; tests give another folder than "/". `user`: whose processes and threads
// are counted.
Limits read_limits(const std::filesystem::path& root, uid_t user);

}  // namespace comet::loadgen
