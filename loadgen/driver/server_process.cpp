// Starting and ending servers: see server_process.hpp.
#include "loadgen/driver/server_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "loadgen/clock.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/machine/process_tree.hpp"
#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

constexpr std::int64_t kStopTimeout = 10 * kSecond;
constexpr std::size_t kOutputRoom = 1 << 20;  // bytes of the pipe that its standard output goes to

// Runs in the child, between fork() and exec: nothing here may allocate. If the parent dies the server gets
// SIGTERM, so that it also ends its own workers.
[[noreturn]] void become_server(char* const* arguments, const char* folder, int output, int errors,
                                pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGPIPE, SIG_DFL);
  const int input = open("/dev/null", O_RDONLY);
  if (getppid() != parent || dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(errors, 2) < 0) _exit(1);
  if (chdir(folder) == 0) execvp(arguments[0], arguments);
  dprintf(2, "cannot start %s in %s: %s\n", arguments[0], folder, strerror(errno));
  _exit(127);
}

std::string describe(int wait_status) {
  if (WIFSIGNALED(wait_status)) return std::string("ended by signal ") + strsignal(WTERMSIG(wait_status));
  return "ended with status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace

void adopt_orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

ServerProcess::ServerProcess(std::vector<std::string> command, const std::filesystem::path& folder,
                             const std::filesystem::path& program_folder) {
  if (command[0].find('/') == std::string::npos && std::filesystem::exists(program_folder / command[0]))
    command[0] = std::filesystem::absolute(program_folder / command[0]).string();
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error(system_error_text("pipe"));
  standard_output_ = ends[0];
  fcntl(standard_output_, F_SETFL, O_NONBLOCK);  // of this end only
  // Room for what is printed between two reads. A user may not be allowed this much: then the
  // default has to do.
  fcntl(standard_output_, F_SETPIPE_SZ, static_cast<int>(kOutputRoom));
  standard_error_ = memfd_create("server errors", MFD_CLOEXEC);
  const pid_t parent = getpid();
  pid_ = standard_error_ < 0 ? -1 : fork();
  if (pid_ == 0) become_server(arguments.data(), folder.c_str(), ends[1], standard_error_, parent);
  const std::string problem = system_error_text("cannot start " + command[0]);
  ::close(ends[1]);
  if (pid_ < 0) {
    ::close(standard_output_);
    if (standard_error_ >= 0) ::close(standard_error_);
    throw std::runtime_error(problem);
  }
  setpgid(pid_, pid_);  // here and in the child: whichever runs first
}

ServerProcess::~ServerProcess() {
  stop();
  ::close(standard_output_);
  ::close(standard_error_);
}

int ServerProcess::wait_until_ready(double timeout_seconds) {
  const std::int64_t deadline = now_ns() + static_cast<std::int64_t>(timeout_seconds * kSecond);
  std::string output;
  for (;;) {
    int port = 0;
    int pid = 0;
    const std::size_t line = output.find("READY ");
    if (line != std::string::npos && output.find('\n', line) != std::string::npos) {
      if (std::sscanf(output.c_str() + line, "READY port=%d pid=%d", &port, &pid) == 2) return port;
      throw std::runtime_error("said '" + output.substr(line, output.find('\n', line) - line) +
                               "' where READY port=N pid=N was expected");
    }
    pollfd entry{standard_output_, POLLIN, 0};
    const int ready = poll(&entry, 1, 100);
    throw_if_interrupted();
    const std::string more = read_output();
    output += more;
    // It has closed its output, and may be about to end.
    if (ready > 0 && more.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (const auto dead = end_of_process()) throw std::runtime_error("not ready: " + *dead);
    if (now_ns() > deadline)
      throw std::runtime_error("not ready within " + std::to_string(static_cast<int>(timeout_seconds)) +
                               " s");
  }
}

std::string ServerProcess::read_output() {
  std::array<char, 65536> buffer;
  std::string output;
  for (ssize_t size = 0;
       output.size() < kOutputRoom && (size = read(standard_output_, buffer.data(), buffer.size())) > 0;)
    output.append(buffer.data(), static_cast<std::size_t>(size));
  return output;
}

std::optional<std::string> ServerProcess::death() {
  read_output();
  return end_of_process();
}

std::optional<std::string> ServerProcess::end_of_process() {
  int status = 0;
  if (!wait_status_ && waitpid(pid_, &status, WNOHANG) == pid_) wait_status_ = status;
  if (!wait_status_) return std::nullopt;
  const std::string words = last_error_line();
  return describe(*wait_status_) + (words.empty() ? "" : ": " + words);
}

std::string ServerProcess::last_error_line() const {
  std::array<char, 2048> buffer;
  const off_t size = lseek(standard_error_, 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size - static_cast<off_t>(buffer.size()));
  const ssize_t got = pread(standard_error_, buffer.data(), buffer.size(), start);
  std::string text(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(0, got)));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::size_t line = text.rfind('\n');
  return line == std::string::npos ? text : text.substr(line + 1);
}

// Orphans of the server are children of this process too: see adopt_orphans().
bool ServerProcess::reap() {
  for (;;) {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended == pid_ && !wait_status_) wait_status_ = status;
    if (ended == 0) return true;
    if (ended < 0 && errno != EINTR) return false;
  }
}

void ServerProcess::kill_everything() {
  kill(-pid_, SIGKILL);
  for (const pid_t process : process_tree({getpid()}))
    if (process != getpid() && getpgid(process) != getpgrp()) kill(process, SIGKILL);
}

ServerExit ServerProcess::stop() {
  ServerExit result;
  if (stopped_) return result;
  stopped_ = true;
  const std::int64_t start = now_ns();
  const int signals_before = stop_signals();
  if (!wait_status_) kill(pid_, SIGTERM);
  bool group_told = false;
  while (reap()) {
    read_output();
    if (wait_status_ && !group_told) {
      kill(-pid_, SIGTERM);
      group_told = true;
    }
    if (now_ns() - start > kStopTimeout || stop_signals() > signals_before) {
      result.killed = result.killed || now_ns() - start > kStopTimeout;
      kill_everything();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  result.seconds = static_cast<double>(now_ns() - start) / kSecond;
  if (wait_status_ && WIFEXITED(*wait_status_)) result.exit_status = WEXITSTATUS(*wait_status_);
  return result;
}

}  // namespace comet::loadgen
