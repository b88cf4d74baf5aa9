// Model: prefork. Memory that all processes share: the master maps it before its first fork, so every worker
// has it at the same address. It is never unmapped; it ends with the last process.
// Owner of a connection: not this file.
// Runs on: the master.
// Wakes a held request: nothing here.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "patterns/common/startup.hpp"

namespace comet::prefork {
using namespace core;
using namespace common;

using SharedNumber = std::atomic<std::uint64_t>;
static_assert(SharedNumber::is_always_lock_free, "processes cannot share the lock of an atomic");

// Zeros. The system gives each page when it is first written to. Exits with one line if it refuses.
inline void* map_shared(std::size_t bytes) {
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) fail("mapping shared memory; try a smaller --history", errno);
  return memory;
}

template <class Type>
Type* map_shared_array(std::size_t count) {
  return static_cast<Type*>(map_shared(count * sizeof(Type)));
}

}  // namespace comet::prefork
