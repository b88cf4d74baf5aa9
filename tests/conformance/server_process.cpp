// Starts, watches and ends one server process.
#include "tests/conformance/server_process.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <regex>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "tests/conformance/transcript.hpp"

namespace comet::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::atomic<pid_t> running_group{0};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

// The kernel counts for the real user, and where two rights are missing; the effective one stays root, who
// may run a program in any folder.
bool limit_processes(uid_t user, rlim_t most) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NPROC, &limit) < 0) return false;
  limit.rlim_cur = std::min(most, limit.rlim_max);
  return prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE) == 0 && prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN) == 0 &&
         setrlimit(RLIMIT_NPROC, &limit) == 0 && syscall(SYS_setresuid, user, -1, -1) == 0;
}

// Runs in the child between fork and exec: system calls only. Returns only if one of them failed.
void become_server(const char* program, const char* folder, char* const* arguments, int output, int errors,
                   const Surroundings& surroundings) {
  if (setpgid(0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || chdir(folder) < 0) return;
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0) return;
  if (surroundings.descriptors > 0) {
    const rlimit limit{surroundings.descriptors, surroundings.descriptors};
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  }
  if (surroundings.address_space > 0) {
    const rlimit limit{surroundings.address_space, surroundings.address_space};
    if (setrlimit(RLIMIT_AS, &limit) < 0) return;
  }
  if (surroundings.output_is_full) {
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0 || dup2(full, 1) < 0) return;
  }
  if (surroundings.processes > 0 && !limit_processes(surroundings.user, surroundings.processes)) return;
  // An ordinary user may not drop it (EPERM) and does not have it either.
  if (!surroundings.may_bind_privileged_ports) prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE);
  execv(program, arguments);
}

}  // namespace

ServerProcess::ServerProcess(const std::filesystem::path& program, const std::filesystem::path& folder,
                             std::vector<std::string> arguments, const Surroundings& surroundings) {
  std::string command;
  for (const std::string& argument : arguments) command += " " + argument;
  transcript().happened("the server is started:" + command);
  // Orphans of the server (its workers, say) become children of the suite, which can then wait for them.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) fail("become subreaper");
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) fail("make a pipe");
  output_ = ends[0];
  errors_ = memfd_create("standard error", MFD_CLOEXEC);
  pid_ = errors_ < 0 ? -1 : fork();
  if (pid_ == 0) {
    become_server(program.c_str(), folder.c_str(), words.data(), ends[1], errors_, surroundings);
    dprintf(errors_, "%s: cannot be started: %s\n", program.c_str(), std::strerror(errno));
    _exit(127);
  }
  close(ends[1]);
  if (pid_ < 0) fail("start the server");
  // Said by both sides, so that the group exists whoever runs first; EACCES: the child has already
  // called exec.
  if (setpgid(pid_, pid_) < 0 && errno != EACCES) fail("make a process group");
  running_group = pid_;
  pid_descriptor_ =
      static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));  // glibc 2.36 lacks a wrapper usable from C++
  if (pid_descriptor_ < 0) fail("open the process");
  if (fcntl(output_, F_SETFL, O_NONBLOCK) < 0) fail("make the pipe non-blocking");
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);
    running_group = 0;
    while (waitpid(-pid_, nullptr, 0) > 0 || errno == EINTR) {
    }
  }
  for (const int descriptor : {pid_descriptor_, output_, errors_}) {
    if (descriptor >= 0) close(descriptor);
  }
}

std::string ServerProcess::read_output_line(milliseconds bound) {
  const auto deadline = Clock::now() + bound;
  for (;;) {
    const auto end = pending_output_.find('\n');
    if (end != std::string::npos) {
      std::string line = pending_output_.substr(0, end);
      pending_output_.erase(0, end + 1);
      return line;
    }
    pollfd event{output_, POLLIN, 0};
    if (poll(&event, 1, milliseconds_until(deadline)) == 0) {
      throw std::runtime_error("no READY line on standard output; standard error:\n" + errors());
    }
    char bytes[512];
    const ssize_t count = read(output_, bytes, sizeof bytes);
    if (count == 0) throw std::runtime_error("the server ended before READY; standard error:\n" + errors());
    if (count > 0) pending_output_.append(bytes, static_cast<std::size_t>(count));
  }
}

void ServerProcess::wait_until_ready(milliseconds bound) {
  ready_line_ = read_output_line(bound);
  static const std::regex form("READY port=([0-9]{1,5}) pid=([0-9]{1,9})");
  std::smatch parts;
  if (!std::regex_match(ready_line_, parts, form)) {
    throw std::runtime_error("expected 'READY port=N pid=N', got '" + ready_line_ + "'");
  }
  port_ = static_cast<std::uint16_t>(std::stoi(parts[1]));
  ready_pid_ = std::stoi(parts[2]);
  transcript().happened("the server says " + ready_line_);
}

void ServerProcess::signal(int number) const {
  transcript().happened(std::string("the server is sent SIG") + sigabbrev_np(number));
  if (kill(pid_, number) < 0) fail("signal the server");
}

void ServerProcess::signal_group(int number) const {
  transcript().happened(std::string("all processes of the server are sent SIG") + sigabbrev_np(number));
  if (kill(-pid_, number) < 0) fail("signal the server's group");
}

std::optional<int> ServerProcess::wait_for_exit(milliseconds bound) {
  if (exit_status_) return exit_status_;
  const auto deadline = Clock::now() + bound;
  pollfd event{pid_descriptor_, POLLIN, 0};
  int ready;
  while ((ready = poll(&event, 1, milliseconds_until(deadline))) < 0 && errno == EINTR) {
  }
  if (ready <= 0) return std::nullopt;
  int status = 0;
  if (waitpid(pid_, &status, 0) < 0) fail("wait for the server");
  exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  transcript().happened("the server has ended with status " + std::to_string(*exit_status_));
  return exit_status_;
}

bool ServerProcess::group_has_ended(milliseconds bound) const {
  const auto deadline = Clock::now() + bound;
  for (;;) {
    while (waitpid(-pid_, nullptr, WNOHANG) > 0) {
    }
    if (kill(-pid_, 0) < 0) return true;
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
}

std::string ServerProcess::rest_of_output() {
  char bytes[512];
  for (ssize_t count; (count = read(output_, bytes, sizeof bytes)) > 0;) {
    pending_output_.append(bytes, static_cast<std::size_t>(count));
  }
  return pending_output_;
}

std::string ServerProcess::errors() const {
  std::string text;
  char bytes[4096];
  for (ssize_t count; (count = pread(errors_, bytes, sizeof bytes, static_cast<off_t>(text.size()))) > 0;) {
    text.append(bytes, static_cast<std::size_t>(count));
  }
  return text;
}

void ServerProcess::kill_running() {
  if (const pid_t group = running_group; group > 0) kill(-group, SIGKILL);
}

}  // namespace comet::test
