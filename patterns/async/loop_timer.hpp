// Model: asynchronous event loop. One libuv timer for the deadlines of all connections.
// Owner of a connection: not this file; a deadline is a base of it and leaves with it.
// Runs on: the loop's thread.
// Wakes a held request: its time being over; the server is told and answers.
#pragma once

#include <uv.h>

#include <functional>

#include "core/deadlines.hpp"
#include "core/options.hpp"

namespace comet::async {
using namespace core;

class LoopTimer {
 public:
  // `on_expired` gets every deadline whose time is over; `after_all` follows when all of one
  // moment were given.
  LoopTimer(std::function<void(Deadline&)> on_expired, std::function<void()> after_all)
      : on_expired_(std::move(on_expired)), after_all_(std::move(after_all)) {}

  // Before any other call. Exits with one line if libuv cannot.
  void open(uv_loop_t& loop);
  // Replaces the deadline set before, if any.
  void set(Deadline& deadline, Milliseconds after);
  void cancel(Deadline& deadline) { Deadlines::cancel(deadline); }
  // The last call; the loop ends when nothing else is open. May be repeated.
  void close();

 private:
  void arm();
  void expire_all();

  std::function<void(Deadline&)> on_expired_;
  std::function<void()> after_all_;
  Deadlines deadlines_;
  // When timer_ fires: at the earliest deadline, or early if that has moved on.
  Clock::time_point armed_for_ = Clock::time_point::max();
  uv_timer_t timer_;
};

}  // namespace comet::async
