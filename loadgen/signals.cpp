// Stop signals: see signals.hpp.
#include "loadgen/signals.hpp"

#include <signal.h>

namespace comet::loadgen {
namespace {

volatile sig_atomic_t signal_count = 0;
volatile sig_atomic_t last_signal = 0;

void on_signal(int number) {
  signal_count = signal_count + 1;
  last_signal = number;
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;  // no SA_RESTART: a blocked wait returns and its caller checks
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

int stop_signals() { return signal_count; }
int last_stop_signal() { return last_signal; }

void throw_if_interrupted() {
  if (signal_count > 0) throw Interrupted();
}

}  // namespace comet::loadgen
