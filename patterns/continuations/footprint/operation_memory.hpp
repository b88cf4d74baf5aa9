// Model: a pool of threads; a held request is a Continuation. Here: where Asio keeps the wait for input.
// Owner of a connection: the memory is part of it, and holds one operation at a time.
// Runs on: the thread that begins the wait, and the one that ends it.
// Wakes a held request: nothing here.
#pragma once

#include <boost/asio/detail/config.hpp>
#include <cstddef>

namespace comet::continuations {

// A wait for input stands as long as its connection is open, so its operation lies in the connection. Left to
// itself Asio takes a block that its thread has used for another operation, often a larger one, and the wait
// would keep it: 86 bytes more for each held request.
struct OperationMemory {
#ifdef BOOST_ASIO_HAS_IO_URING_AS_DEFAULT
  static constexpr std::size_t kSize = 120;  // bytes: Asio's operation with its handler
#else
  static constexpr std::size_t kSize = 104;
#endif
  alignas(void*) std::byte bytes[kSize];
};

// The allocator by which Asio finds that memory.
template <class T>
struct OperationAllocator {
  using value_type = T;

  explicit OperationAllocator(OperationMemory& place) : memory(&place) {}
  template <class Other>
  OperationAllocator(const OperationAllocator<Other>& other) : memory(other.memory) {}

  T* allocate(std::size_t) {
    static_assert(sizeof(T) <= OperationMemory::kSize);
    static_assert(alignof(T) <= alignof(OperationMemory));
    return reinterpret_cast<T*>(memory->bytes);
  }
  void deallocate(T*, std::size_t) {}
  bool operator==(const OperationAllocator&) const = default;

  OperationMemory* memory;
};

}  // namespace comet::continuations
