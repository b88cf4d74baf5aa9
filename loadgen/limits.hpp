// The limits of this machine and of this session that bound how many requests can be held.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace comet {

// Nothing: unlimited, or this kernel or container does not have it.
struct Limits {
  using Number = std::optional<std::int64_t>;

  Number open_files;                 // hard limit of one process: servers raise the soft one themselves
  Number most_open_files;            // fs.nr_open: no hard limit may be higher
  Number open_files_of_all;          // fs.file-max
  std::int64_t files_open = 0;       // now, by all processes
  Number processes_of_user;          // soft limit, threads included; nothing for root, whom it does not bind
  Number pid_max, threads_max;       // of all users together
  std::int64_t tasks = 0;            // processes and threads now
  Number cgroup_tasks;               // pids.max, the smallest from this process's group upwards
  std::int64_t tasks_of_cgroup = 0;  // of that group, now
  std::string cgroup_file;           // that pids.max
  Number maps;                       // of one process
  Number memory_bytes;               // available
  Number local_ports;                // of one source address
  Number tracked_connections;        // conntrack; nothing where it is not loaded
};

// Reads /proc and /sys under `root`, which tests replace. `is_root`: whether limits of users bind.
Limits read_limits(const std::filesystem::path& root, bool is_root);

}  // namespace comet
