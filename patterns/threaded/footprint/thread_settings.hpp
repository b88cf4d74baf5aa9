// Model: one thread per connection. What the kernel must be told before there can be very many threads.
// Owner of a connection: not this file.
// Runs on: the main thread, before all others.
// Wakes a held request: nothing here.
#pragma once

#include <cstddef>

namespace comet::threaded {

// Asks the kernel for a table of blocked threads that is large enough for `threads` of them. Since Linux 6.16
// each process has its own table, with a few slots per core: without this, waking one of 15,000 threads walks
// past a thousand others. A slot takes 64 bytes of kernel memory. Older kernels refuse; they have one table
// for all processes, with 256 slots per core.
void grow_futex_table(std::size_t threads);

// Tells the scheduler that this program's threads are in no hurry (SCHED_BATCH). A publisher wakes thousands
// of threads in a row: like this it goes on, instead of giving up its core to each of them.
void let_wakers_go_on();

}  // namespace comet::threaded
