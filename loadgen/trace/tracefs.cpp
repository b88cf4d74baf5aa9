// An instance of tracefs: see tracefs.hpp.
#include "loadgen/trace/tracefs.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "loadgen/errors.hpp"
#include "loadgen/machine/proc_file.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;

const fs::path kInstances = "/sys/kernel/tracing/instances";
constexpr char kName[] = "comet-trace-";     // and the number of the process that made it
constexpr char kBufferKibibytes[] = "4096";  // for each core
constexpr char kWithoutRoot[] = ", or draw a recorded publish with --from FILE.json, which needs neither";

void check_usable() {
  if (access(kInstances.c_str(), W_OK) == 0) return;
  if (errno == EACCES && geteuid() != 0)
    throw std::runtime_error(std::string("the kernel's tracepoints need root: run this command with sudo") +
                             kWithoutRoot);
  if (errno == ENOENT || errno == EACCES)
    throw std::runtime_error(std::string("tracefs is not mounted: as root, mount -t tracefs nodev "
                                         "/sys/kernel/tracing (a container needs the "
                                         "machine's)") +
                             kWithoutRoot);
  throw std::runtime_error(system_error_text("cannot trace in " + kInstances.string()) + kWithoutRoot);
}

// A killed process cannot remove its own.
void remove_abandoned() {
  std::error_code error;
  for (const auto& instance : fs::directory_iterator(kInstances, error)) {
    const std::string name = instance.path().filename();
    if (!name.starts_with(kName)) continue;
    const auto process = number_in(name.substr(std::strlen(kName)));
    if (process && kill(static_cast<pid_t>(*process), 0) != 0 && errno == ESRCH)
      rmdir(instance.path().c_str());
  }
}

}  // namespace

TraceInstance::TraceInstance() : folder_(kInstances / (kName + std::to_string(getpid()))) {
  check_usable();
  remove_abandoned();
  if (mkdir(folder_.c_str(), 0700) != 0)
    throw std::runtime_error(system_error_text("cannot make " + folder_.string()) +
                             " (does this kernel, or this container, forbid tracing?)" + kWithoutRoot);
  try {
    set_up();
  } catch (...) {
    remove();
    throw;
  }
}

TraceInstance::~TraceInstance() { remove(); }

void TraceInstance::set_up() {
  write("tracing_on", "0");
  write("trace_clock", "mono");  // the same on all cores
  write("buffer_size_kb", kBufferKibibytes);
  write("options/event-fork", "1");
  for (const char* event : {"sched/sched_switch", "sched/sched_waking", "sched/sched_process_fork",
                            "raw_syscalls/sys_enter", "raw_syscalls/sys_exit"})
    write((std::string("events/") + event + "/enable").c_str(), "1");
}

void TraceInstance::remove() {
  if (rmdir(folder_.c_str()) != 0) std::perror(("comet-loadgen: cannot remove " + folder_.string()).c_str());
}

void TraceInstance::start(const std::vector<pid_t>& threads) {
  std::string list = "0";  // a core's idle thread
  for (const pid_t thread : threads) list.append(" ").append(std::to_string(thread));
  write("set_event_pid", list);
  write("tracing_on", "1");
}

void TraceInstance::stop() { write("tracing_on", "0"); }

std::string TraceInstance::text() const {
  std::string text = read_proc_file(folder_ / "trace");
  if (text.empty()) throw std::runtime_error("cannot read " + (folder_ / "trace").string());
  return text;
}

void TraceInstance::write(const char* file, const std::string& text) const {
  const fs::path path = folder_ / file;
  const int descriptor = open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  std::size_t written = 0;
  while (descriptor >= 0 && written < text.size()) {
    const ssize_t size = ::write(descriptor, text.data() + written, text.size() - written);
    if (size <= 0) break;
    written += static_cast<std::size_t>(size);
  }
  const std::string problem = system_error_text("cannot write " + path.string());
  if (descriptor >= 0) close(descriptor);
  if (written < text.size()) throw std::runtime_error(problem);
}

}  // namespace comet::loadgen
