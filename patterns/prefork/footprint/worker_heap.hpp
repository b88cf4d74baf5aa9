// Model: prefork. A small block of memory from which a worker's `new` takes. The heap that a worker inherits
// is the master's, with small free pieces on many pages. A worker gets a copy of its own of each page that it
// writes to, so taking those pieces would cost each worker 4 KiB before its first message, and 16 KiB after
// some. In one block the allocations of a request lie side by side, on a page or two.
// Owner of a connection: not this file; each worker has its own copy.
// Runs on: a worker, which has one thread.
// Wakes a held request: nothing here.
#pragma once

namespace comet::prefork {

// From now on this process allocates from its block. What does not fit into it comes from the heap.
void use_worker_heap();

}  // namespace comet::prefork
