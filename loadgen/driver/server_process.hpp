// One server, started by its manifest's command and ended for certain: its whole process tree is gone
// afterwards.
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
  // Starts `command` in `folder` as the leader of a process group of its own. A program without '/' is looked
  // up in `program_folder`, then in PATH; one with '/' belongs to `folder`. Throws std::runtime_error.
  ServerProcess(std::vector<std::string> command, const std::filesystem::path& folder,
                const std::filesystem::path& program_folder);
  // Ends the server when stop() was not called.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Waits for the READY line and returns the port it names. Throws std::runtime_error when the server ends
  // before or is not ready in time, Interrupted on a stop signal.
  int wait_until_ready(double timeout_seconds);

  pid_t pid() const { return pid_; }

  // What is known about the end of a server that ended by itself; nothing while it runs. Call it often: it also
  // reads what the server prints, so that one that logs there does not wait for a reader.
  std::optional<std::string> death();

  // SIGTERM, then SIGKILL for what is left after 10 s, or at once on a stop signal that comes meanwhile. Only
  // the first process gets the SIGTERM, for a server with workers ends these itself; its group gets one when it
  // has ended and left others, as a shell does that started the server.
  ServerExit stop();

 private:
  std::string read_output();                    // what has come
  std::optional<std::string> end_of_process();  // death() that reads nothing
  void kill_everything();
  bool reap();  // false when no child is left
  std::string last_words() const;

  pid_t pid_ = -1;
  int standard_output_ = -1;  // read end of a pipe
  int standard_error_ = -1;   // an anonymous file
  bool stopped_ = false;
  std::optional<int> wait_status_;
};

// Makes this process the parent of whatever its children leave behind, so that it can be ended. Call once,
// early.
void adopt_orphans();

}  // namespace comet::loadgen
