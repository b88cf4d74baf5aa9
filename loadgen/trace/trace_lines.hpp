// The text that the kernel makes of its trace buffer, taken apart.
#pragma once

#include <string_view>
#include <vector>

#include "loadgen/trace/recording.hpp"

namespace comet::loadgen {

// `text` is the content of a tracefs file `trace`. The times are those of the trace clock in microseconds.
// Events other than sched_switch, sched_waking, sched_process_fork, sys_enter and sys_exit are left out.
// Throws std::runtime_error if a line is not understood, or if the kernel says that its buffer was too small
// and events are missing.
std::vector<Event> parse_trace(std::string_view text);

}  // namespace comet::loadgen
