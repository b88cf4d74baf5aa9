// Model: one thread per connection. What the C library and the kernel must be told before there can be very
// many.
// Owner of a connection: nothing here.
// Runs on: the main thread, before all others.
// Wakes a held request: nothing here.
#pragma once

#include <cstddef>

namespace comet::threaded {

// Has glibc leave out the 1.5 KiB per thread that it reserves for libraries loaded later, of which this
// program loads none: what a held request touches of its stack then fits into one page instead of two. glibc
// reads such settings only when a program starts (its manual, "Dynamic Linking Tunables"), so the program is
// started once again, as the same process. Does nothing where GLIBC_TUNABLES is set already; failing, it
// costs that page and nothing else.
void shrink_thread_storage(char** arguments);

// Has the kernel keep the blocked threads in a table that is large enough for `threads` of them. Since
// Linux 6.16 each process has its own, of a few slots per core, and waking one of 15,000 threads walks past a
// thousand others. A slot is 64 bytes of kernel memory. Older kernels refuse, and have one table for all
// processes, 256 slots per core.
void grow_futex_table(std::size_t threads);

// Tells the scheduler that this program's threads are in no hurry (SCHED_BATCH): a thread that wakes others,
// as a publisher does thousands of times in a row, goes on instead of giving up its core to each of them.
void let_wakers_go_on();

}  // namespace comet::threaded
