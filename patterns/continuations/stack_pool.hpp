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

// Addresses, not memory: a handler that stays within the first page costs one page.
constexpr std::size_t kStackSize = 65536;  // bytes, the guard page included
constexpr std::size_t kStacksPerMapping = 64;

// Stacks are mapped 64 at a time and kept for the next request: an mmap and munmap for each would cost two
// system calls and a page fault per request. Below each lies a guard page, which costs a mapping of its own:
// two for each stack, of the vm.max_map_count (65,530 by default) that a process may have.
class StackPool {
 public:
  StackPool();
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  // Throws std::bad_alloc at the limit of mappings or memory.
  boost::context::stack_context take();
  void give_back(boost::context::stack_context& stack) noexcept;

  // Most stacks that vm.max_map_count leaves room for, in whole mappings.
  std::size_t most() const { return most_; }

 private:
  // Lies in the topmost bytes of a free stack, in the page that its last user touched anyway.
  struct Free {
    Free* next;
  };

  void map_more();  // with the lock held

  const std::size_t most_;
  std::mutex mutex_;  // guards all below
  Free* free_ = nullptr;
  std::vector<char*> mappings_;
};

// The form in which Boost.Context asks for stacks.
struct PooledStack {
  StackPool* pool;
  boost::context::stack_context allocate() { return pool->take(); }
  void deallocate(boost::context::stack_context& stack) noexcept { pool->give_back(stack); }
};

}  // namespace comet::continuations
