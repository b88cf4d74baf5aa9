// Model: prefork. What a worker blocks in: its two epolls, and the calls on its one connection.
// Owner: each worker opens its own epolls after the fork, so that an edge is kept for each.
// Runs on: a worker.
#pragma once

#include <cstdint>

#include "core/deadlines.hpp"

namespace comet {

enum Source : std::uint32_t { kListener, kRetirement, kDrain, kClient, kBell };

// For epoll_wait() and poll(): milliseconds, rounded up, 0 where the time is over.
int wait_time(Clock::time_point until);

// For descriptors of our own: it fails, and the worker ends, only where the system is out of memory.
void add_to(int epoll, int descriptor, std::uint32_t events, Source source);

// One that reports the drain.
int open_epoll(int drain_event);

}  // namespace comet
