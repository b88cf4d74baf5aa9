// Accepting that outlasts a lack of descriptors or memory: new clients wait in the kernel's queue meanwhile.
#pragma once

namespace comet::fibers {

struct FiberThread;

// Called by the acceptor's fiber. Yields a new connection's socket. If there is none it waits and yields -1.
// It waits for a client or a letter; without descriptors or memory for a tenth of a second, or for a letter.
int accept_or_wait(FiberThread& thread);

}  // namespace comet::fibers
