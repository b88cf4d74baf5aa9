// SIGTERM, SIGINT and SIGHUP as a descriptor: they interrupt no thread's calls, and a thread that its work
// keeps from its loop can still see that one has come.
#pragma once

#include <csignal>

namespace comet::common {

// The signals that drain a server. SIGHUP, which a terminal sends when it closes, is not among them if the
// server was started so that it ignores it, as nohup does.
sigset_t stop_signals();

class StopSignals {
 public:
  // To be made before any thread: threads inherit that the signals are blocked. Exits if the kernel refuses.
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Readable once a signal has come.
  int descriptor() const { return descriptor_; }
  // The same, from any thread: true from the signal to restore().
  bool come() const;

  // Takes the signal that has come, and gives the next one its default action: it ends the process.
  void restore();

 private:
  int descriptor_;
};

}  // namespace comet::common
