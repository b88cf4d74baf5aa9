// Model: prefork. Where a worker's `new` takes its memory from. The heap that a worker inherits is the
// master's, full of small free pieces on many pages; each that a worker takes costs it a page of its own,
// and there are thousands of workers. From one block the allocations of a request lie side by side, on a
// page or two.
// Owner of a connection: not this file; each worker has its own copy.
// Runs on: a worker, which has one thread.
// Wakes a held request: nothing here.
#pragma once

namespace comet::prefork {

// From now on this process allocates from its block. What does not fit still comes from the heap.
void use_worker_heap();

}  // namespace comet::prefork
