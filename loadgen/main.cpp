// comet-loadgen: from the command line to the command's exit status.
#include <sys/resource.h>

#include <cstdio>
#include <exception>
#include <stdexcept>

#include "loadgen/command_line.hpp"
#include "loadgen/driver/server_process.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;  // the limit stays as it is, and is checked before use
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int run_program(int argc, char** argv) {
  CommandLine line;
  if (const auto status = parse_command_line(argc, argv, line)) return *status;
  if (line.command == "doctor") return run_doctor(line.doctor);
  if (line.command == "validate") return run_validate(line.results);
  if (line.command == "compare") return run_compare(line.results);
  if (line.command == "report") return run_report(line.results);
  raise_descriptor_limit();
  install_signal_handlers();
  if (line.command == "run") return run_against(line.run);
  adopt_orphans();
  if (line.command == "trace") return run_trace(line.trace);
  return run_bench(line.bench);
}

// A table that nobody can read is a failure.
void check_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw std::runtime_error("cannot write to standard output: is the disk full?");
}

}  // namespace
}  // namespace comet::loadgen

int main(int argc, char** argv) {
  using namespace comet;
  try {
    const int status = loadgen::run_program(argc, argv);
    loadgen::check_output();
    return status;
  } catch (const loadgen::UsageError& error) {
    std::fprintf(stderr, "comet-loadgen: %s\n", error.what());
    return loadgen::kUsageStatus;
  } catch (const loadgen::Interrupted&) {
    return 128 + loadgen::last_stop_signal();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "comet-loadgen: %s\n", error.what());
    return 1;
  }
}
