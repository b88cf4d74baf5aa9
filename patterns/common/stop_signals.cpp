// A signalfd, and the mask of signals that belongs to it.
#include "patterns/common/stop_signals.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "patterns/common/startup.hpp"

namespace comet::common {
sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  struct sigaction inherited {};
  if (sigaction(SIGHUP, nullptr, &inherited) != 0) fail("asking for the action of SIGHUP", errno);
  if (inherited.sa_handler != SIG_IGN) sigaddset(&signals, SIGHUP);
  return signals;
}

StopSignals::StopSignals() {
  const sigset_t signals = stop_signals();
  if (const int error = pthread_sigmask(SIG_BLOCK, &signals, nullptr)) fail("blocking signals", error);
  descriptor_ = signalfd(-1, &signals, SFD_CLOEXEC);
  if (descriptor_ < 0) fail("signalfd", errno);
}

StopSignals::~StopSignals() { ::close(descriptor_); }

bool StopSignals::come() const {
  pollfd polled{descriptor_, POLLIN, 0};
  if (poll(&polled, 1, 0) < 0 && errno != EINTR) fail("looking for signals", errno);
  return polled.revents != 0;
}

void StopSignals::restore() {
  signalfd_siginfo taken;
  if (read(descriptor_, &taken, sizeof taken) != sizeof taken) fail("reading a signal", errno);
  const sigset_t signals = stop_signals();
  if (const int error = pthread_sigmask(SIG_UNBLOCK, &signals, nullptr)) fail("unblocking signals", error);
}

}  // namespace comet::common
