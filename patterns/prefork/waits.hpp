// Model: prefork. What a worker blocks in: its two epolls, and the calls on its one connection.
// Owner of a connection: the worker, which opens its epolls after the fork, so that an edge is kept for each.
// Runs on: a worker.
// Wakes a held request: the bell of its channel, which is in the epoll that the worker sleeps in.
#pragma once

#include <cstdint>

#include "core/deadlines.hpp"

namespace comet::prefork {
using namespace core;

enum Source : std::uint32_t { kListener, kRetirement, kDrain, kClient, kBell };

// For epoll_wait() and poll(): milliseconds, rounded up, 0 where the time is over.
int wait_time(Clock::time_point until);

// It fails, and the worker ends, only where the system is out of memory or of epoll watches.
void add_to(int epoll, int descriptor, std::uint32_t events, Source source);

// One that reports the drain.
int open_epoll(int drain_event);

}  // namespace comet::prefork
