// Memory of the kernel, system-wide: the part of a held request that belongs to no process.
#pragma once

#include <cstdint>
#include <optional>

namespace comet::loadgen {

// Slab, kernel stacks and page tables (/proc/meminfo) and TCP buffers (/proc/net/sockstat), in bytes, without
// what looking into /proc costs (proc_names.hpp); nothing if they cannot be read. System-wide: a difference
// includes the clients' sockets and everything else that ran meanwhile.
std::optional<std::int64_t> kernel_memory();

// The same, once it has stopped changing: freed memory returns to the kernel a moment later. Takes
// at most 0.3 s.
std::optional<std::int64_t> settled_kernel_memory();

}  // namespace comet::loadgen
