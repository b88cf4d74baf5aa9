// One server: starts it by its manifest's command, and ends it together with every process that it
// has started.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/clients/http.hpp"

namespace comet::loadgen {

// How the server ended.
struct ServerExit {
  double seconds = 0;              // from SIGTERM until nothing was left
  std::optional<int> exit_status;  // nothing when a signal ended it
  bool killed = false;             // it did not end by itself within 10 s
};

class ServerProcess {
 public:
  // Starts `command` in `folder` as the leader of its own process group. A program name without '/' is looked
  // up in `program_folder`, then in PATH; one with '/' is relative to `folder`. Throws std::runtime_error.
  ServerProcess(std::vector<std::string> command, const std::filesystem::path& folder,
                const std::filesystem::path& program_folder);
  // Ends the server if stop() was not called.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Waits for the READY line and returns its port. Throws std::runtime_error if the server ends first or is
  // not ready in time, and Interrupted on a stop signal.
  int wait_until_ready(double timeout_seconds);

  pid_t pid() const { return pid_; }

  // How the server ended, if it ended by itself; nothing while it runs. Call it often, because it also reads
  // what the server prints: otherwise a server that logs to standard output would block on a full pipe.
  std::optional<std::string> death();

  // Sends SIGTERM, then SIGKILL to what is left after 10 s, or at once if a stop signal comes meanwhile. Only
  // the first process gets the SIGTERM, because a server ends its own workers. If it has ended and left
  // others, as a shell does that started the server, its group gets a SIGTERM too.
  ServerExit stop();

 private:
  std::string read_output();                    // what the server has printed since the last call
  std::optional<std::string> end_of_process();  // death() without reading
  void kill_everything();
  bool reap();  // false if no child is left
  std::string last_error_line() const;

  pid_t pid_ = -1;
  int standard_output_ = -1;  // read end of a pipe
  int standard_error_ = -1;   // an anonymous file
  bool stopped_ = false;
  std::optional<int> wait_status_;
};

// Makes this process the parent of the processes that its children leave behind, so that it can end them.
// Call once, early.
void adopt_orphans();

}  // namespace comet::loadgen
