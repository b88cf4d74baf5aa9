// Model: one thread per connection. SIGTERM and SIGINT as a descriptor, so that they interrupt no thread's
// calls.
// Owner of a connection: nothing here.
// Runs on: the main thread.
// Wakes a held request: nothing here.
#include "patterns/threaded/stop_signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "patterns/common/startup.hpp"

namespace comet {
namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

StopSignals::StopSignals() {
  const sigset_t signals = stop_signals();
  if (const int error = pthread_sigmask(SIG_BLOCK, &signals, nullptr)) fail("blocking signals", error);
  descriptor_ = signalfd(-1, &signals, SFD_CLOEXEC);
  if (descriptor_ < 0) fail("signalfd", errno);
}

StopSignals::~StopSignals() { ::close(descriptor_); }

void StopSignals::restore() {
  signalfd_siginfo taken;
  if (read(descriptor_, &taken, sizeof taken) != sizeof taken) fail("reading a signal", errno);
  const sigset_t signals = stop_signals();
  if (const int error = pthread_sigmask(SIG_UNBLOCK, &signals, nullptr)) fail("unblocking signals", error);
}

}  // namespace comet
