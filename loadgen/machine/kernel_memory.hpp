// Memory that the kernel holds, system-wide: the part of a held request that no process owns.
#pragma once

#include <cstdint>
#include <optional>

namespace comet::loadgen {

// Slab, kernel stacks and page tables (/proc/meminfo) and TCP buffers (/proc/net/sockstat), in bytes; nothing
// when they cannot be read. System-wide: a difference counts the clients' sockets and whatever else ran
// meanwhile.
std::optional<std::int64_t> kernel_memory();

// The same once it has stopped moving: freed objects go back to the kernel a moment later. Takes at most 0.3
// s.
std::optional<std::int64_t> settled_kernel_memory();

}  // namespace comet::loadgen
