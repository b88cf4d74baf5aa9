// Model: a pool of threads; a held request is a Continuation. Here: where Asio keeps the wait for input.
// Owner of a connection: the memory is part of it, and holds one operation at a time.
// Runs on: the thread that begins the wait, and the one that ends it.
// Wakes a held request: nothing here.
#pragma once

#include <cstddef>

namespace comet::continuations {

// A wait for input stands as long as its connection is open: it lies in the connection rather than in the
// heap.
struct OperationMemory {
  static constexpr std::size_t kSize = 96;  // bytes; Asio's operation and our handler
  alignas(std::max_align_t) std::byte bytes[kSize];
};

// The allocator by which Asio finds that memory (its "associated allocator").
template <class T>
struct OperationAllocator {
  using value_type = T;

  explicit OperationAllocator(OperationMemory& place) : memory(&place) {}
  template <class Other>
  OperationAllocator(const OperationAllocator<Other>& other) : memory(other.memory) {}

  T* allocate(std::size_t) {
    static_assert(sizeof(T) <= OperationMemory::kSize);
    return reinterpret_cast<T*>(memory->bytes);
  }
  void deallocate(T*, std::size_t) {}
  bool operator==(const OperationAllocator&) const = default;

  OperationMemory* memory;
};

}  // namespace comet::continuations
