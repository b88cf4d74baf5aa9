// The limits of this machine and of this session that bound how many requests can be held.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace comet::loadgen {

// What a group of processes (cgroup) may have together: of this process's group and those that it is in, the one
// with the least room.
struct GroupLimit {
  std::optional<std::int64_t> most;
  std::int64_t used = 0;
  std::string file;  // that says `most`
};

// Nothing: unlimited, or this kernel or container does not have it.
struct Limits {
  using Number = std::optional<std::int64_t>;

  Number open_files;            // hard limit of one process: servers raise the soft one themselves
  Number most_open_files;       // fs.nr_open: no hard limit may be higher
  Number open_files_of_all;     // fs.file-max
  std::int64_t files_open = 0;  // now, by all processes
  // Threads included: soft and hard limit, nothing for root, whom they do not bind; and how many there are.
  Number processes_of_user, most_processes_of_user;
  std::int64_t tasks_of_user = 0;
  Number pid_max, threads_max;  // of all users together
  std::int64_t tasks = 0;       // processes and threads now
  GroupLimit group_tasks;       // pids.max
  Number maps;                  // of one process
  Number memory_bytes;          // available
  GroupLimit group_memory;      // memory.max; what the kernel can take back at once is not used
  Number local_ports;           // of one source address
  Number tracked_connections;   // conntrack; nothing where it is not loaded
  std::int64_t tracked_now = 0;
};

// Reads /proc and /sys under `root`, which tests replace. `user`: whose processes and threads count.
Limits read_limits(const std::filesystem::path& root, uid_t user);

}  // namespace comet::loadgen
