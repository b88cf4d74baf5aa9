// Model: a pool of threads; a held request is a Continuation. Here: the stacks of captured handlers.
// Owner of a connection: a stack belongs to one request, from its handler's first line to its last.
// Runs on: any thread of the pool takes and returns stacks, under a mutex.
// Wakes a held request: nothing here.
#pragma once

#include <boost/context/stack_context.hpp>
#include <cstddef>
#include <mutex>
#include <vector>

namespace comet::continuations {

// Address space, not memory: a handler that stays within the first page costs one page of memory.
constexpr std::size_t kStackSize = 65536;  // bytes, the guard page included
constexpr std::size_t kStacksPerMapping = 64;

// Stacks are mapped 64 at a time and kept for the next request. A new stack costs 5 us (system calls and a
// page fault), one that was used before 0.04 us (microbench: spawn/captured_stack). Below each stack lies a
// guard page: a handler that runs off its stack ends the process instead of spoiling the next stack. It makes
// two mappings of each stack, and a process may have vm.max_map_count of them (65,530 by default).
class StackPool {
 public:
  StackPool();
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // Throws std::bad_alloc at the limit of mappings or memory.
  boost::context::stack_context take();
  void give_back(boost::context::stack_context& stack) noexcept;

  // The number of stacks for which vm.max_map_count leaves room, in whole mappings.
  std::size_t most() const { return most_; }

 private:
  // The list of free stacks runs through the stacks themselves: each link lies in the topmost bytes of its
  // stack, in the page that the last handler touched anyway.
  struct FreeStack {
    FreeStack* next;
  };

  void map_more();  // called with the lock held

  const std::size_t most_;
  std::mutex mutex_;  // guards all below
  FreeStack* free_ = nullptr;
  std::vector<char*> mappings_;
};

// The form in which Boost.Context asks for stacks.
struct PooledStack {
  StackPool* pool;
  boost::context::stack_context allocate() { return pool->take(); }
  void deallocate(boost::context::stack_context& stack) noexcept { pool->give_back(stack); }
};

}  // namespace comet::continuations
