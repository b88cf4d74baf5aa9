// One run of a server under test: its own process group, standard output on a pipe, standard error in
// memory. Whatever happens to the test, the destructor ends the whole group; the kernel ends the server if
// the suite dies.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace comet::test {

struct Surroundings {
  unsigned descriptors = 0;               // limit on open descriptors, 0: the suite's own
  bool may_bind_privileged_ports = true;  // false: CAP_NET_BIND_SERVICE is taken away
  unsigned processes = 0;                 // most processes and threads of `user`, 0: no limit
  uid_t user = 0;                         // whose they are; only root may choose it
  std::size_t address_space = 0;          // limit in bytes, 0: the suite's own
  bool output_is_full = false;            // nothing can be written to standard output
};

class ServerProcess {
 public:
  // Starts the process and returns at once. Throws std::runtime_error if it cannot be started.
  ServerProcess(const std::filesystem::path& program, const std::filesystem::path& folder,
                std::vector<std::string> arguments, const Surroundings& surroundings = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Waits for the READY line and sets port() and ready_pid(). Throws std::runtime_error saying what
  // came instead.
  void wait_until_ready(std::chrono::milliseconds bound);
  std::uint16_t port() const { return port_; }
  pid_t ready_pid() const { return ready_pid_; }
  const std::string& ready_line() const { return ready_line_; }

  pid_t pid() const { return pid_; }
  void signal(int number) const;
  void signal_group(int number) const;

  // Exit status, 128 + signal number if a signal ended it, nothing if it still runs after `bound`.
  std::optional<int> wait_for_exit(std::chrono::milliseconds bound);
  // True once no process of the server's group is left; waits up to `bound` for it.
  bool group_has_ended(std::chrono::milliseconds bound) const;

  std::string rest_of_output();  // standard output after the READY line, as far as it has come
  std::string errors() const;    // all of standard error so far

  // Kills the group of the server that runs now, if any. Safe to call from a signal handler.
  static void kill_running();

 private:
  std::string read_output_line(std::chrono::milliseconds bound);

  pid_t pid_ = -1;
  int pid_descriptor_ = -1;
  int output_ = -1;
  int errors_ = -1;
  std::optional<int> exit_status_;
  std::string pending_output_;
  std::string ready_line_;
  std::uint16_t port_ = 0;
  pid_t ready_pid_ = -1;
};

}  // namespace comet::test
