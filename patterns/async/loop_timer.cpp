// Model: asynchronous event loop. One libuv timer for the deadlines of all connections.
// Owner of a connection: not this file; a deadline is a base of it and leaves with it.
// Runs on: the loop's thread.
// Wakes a held request: its time being over; the server is told and answers.
#include "patterns/async/loop_timer.hpp"

#include <algorithm>

#include "patterns/common/startup.hpp"

namespace comet::async {
using namespace common;

void LoopTimer::open(uv_loop_t& loop) {
  if (const int error = uv_timer_init(&loop, &timer_)) fail("uv_timer_init", -error);
  timer_.data = this;
}

void LoopTimer::set(Deadline& deadline, Milliseconds after) {
  deadlines_.set(deadline, Clock::now(), after);
  if (deadline.at < armed_for_) arm();
}

void LoopTimer::close() {
  auto* handle = reinterpret_cast<uv_handle_t*>(&timer_);
  if (!uv_is_closing(handle)) uv_close(handle, nullptr);
}

void LoopTimer::arm() {
  const auto next = deadlines_.next();
  armed_for_ = next.value_or(Clock::time_point::max());
  if (!next) return;
  const auto wait = std::chrono::ceil<Milliseconds>(*next - Clock::now());
  const auto on_time = [](uv_timer_t* timer) { static_cast<LoopTimer*>(timer->data)->expire_all(); };
  uv_update_time(timer_.loop);
  const auto milliseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(wait.count(), 0));
  // It fails only on a timer that is closing, and then nobody is left to wait for.
  uv_timer_start(&timer_, on_time, milliseconds, 0);
}

void LoopTimer::expire_all() {
  const auto now = Clock::now();
  while (Deadline* deadline = deadlines_.take_expired(now)) on_expired_(*deadline);
  after_all_();
  arm();
}

}  // namespace comet::async
