// SIGINT and SIGTERM end the load generator in order: the measurements are written, and every child is ended.
// The handlers only count; code that waits checks the count.
#pragma once

#include <exception>

namespace comet::loadgen {

// Thrown to give up work because of a signal.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

void install_signal_handlers();

// How many stop signals have come so far; a second one means "at once".
int stop_signals();

// The last stop signal's number, 0 when none came.
int last_stop_signal();

void throw_if_interrupted();

}  // namespace comet::loadgen
