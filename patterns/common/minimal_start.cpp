// The start of a minimal server.
#include "patterns/common/minimal_start.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "patterns/common/startup.hpp"

namespace comet::common {

Options start_minimal(int argc, char** argv, const char* program, std::size_t* workers) {
  Options options;
  CommandLine line("A minimal long-poll server: its model in one file, minimal.cpp.", program);
  add_basic_options(line, options);
  if (workers) line.add_number("--workers", *workers, 1, 100000, "number of worker processes");
  line.parse_or_exit(argc, argv);
  prepare_process();
  // No drain: the kernel ends the threads and closes the sockets. Process 1 of a container ends only if it
  // has a handler. ThreadSanitizer keeps a signal for the fiber that was running as it came, and that fiber
  // may sleep for ever: in its builds the default action stays.
#if !defined(__SANITIZE_THREAD__)
  for (const int signal : {SIGTERM, SIGINT}) {
    if (std::signal(signal, [](int) { _exit(0); }) == SIG_ERR) fail("setting a signal's handler", errno);
  }
#endif
  return options;
}

int open_minimal_listener(const Options& options) {
  const int listener = open_listener(options);
  if (!set_no_delay(listener)) fail("TCP_NODELAY", errno);  // accepted sockets inherit it
  return listener;
}

int check(int result, const char* what) {
  if (result < 0) fail(what, errno);
  return result;
}

}  // namespace comet::common
