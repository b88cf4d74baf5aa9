// Model: a pool of threads; a held request is a Continuation. Here: the stacks of captured handlers.
// Owner of a connection: a stack belongs to one request, from its handler's first line to its last.
// Runs on: any thread of the pool takes and returns stacks, under a mutex.
// Wakes a held request: nothing here.
#include "patterns/continuations/footprint/stack_pool.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "patterns/common/startup.hpp"

namespace comet::continuations {
using namespace core;
using namespace common;
namespace {

constexpr std::size_t kMappingSize = kStackSize * kStacksPerMapping;

}  // namespace

StackPool::StackPool() : most_(most_stacks() / kStacksPerMapping * kStacksPerMapping) {}

StackPool::~StackPool() {
  for (char* mapping : mappings_) munmap(mapping, kMappingSize);
}

boost::context::stack_context StackPool::take() {
  const std::lock_guard lock(mutex_);
  if (!free_) map_more();
  FreeStack* taken = free_;
  free_ = taken->next;
  boost::context::stack_context stack;
  stack.sp = taken + 1;
  stack.size = kStackSize - static_cast<std::size_t>(getpagesize());
  return stack;
}

void StackPool::give_back(boost::context::stack_context& stack) noexcept {
  FreeStack* freed = static_cast<FreeStack*>(stack.sp) - 1;
  const std::lock_guard lock(mutex_);
  freed->next = free_;
  free_ = freed;
}

// No huge pages: a stack that needs one page would get 512.
void StackPool::map_more() {
  if ((mappings_.size() + 1) * kStacksPerMapping > most_) throw std::bad_alloc();
  mappings_.reserve(mappings_.size() + 1);
  void* mapped = mmap(nullptr, kMappingSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* mapping = static_cast<char*>(mapped);
  madvise(mapping, kMappingSize, MADV_NOHUGEPAGE);  // fails only in kernels that have none
  for (std::size_t at = 0; at < kMappingSize; at += kStackSize) {
    if (mprotect(mapping + at, static_cast<std::size_t>(getpagesize()), PROT_NONE) == 0) continue;
    munmap(mapping, kMappingSize);
    throw std::bad_alloc();
  }
  mappings_.push_back(mapping);
  for (std::size_t at = kMappingSize; at > 0; at -= kStackSize) {
    auto* top = reinterpret_cast<FreeStack*>(mapping + at) - 1;
    top->next = free_;
    free_ = top;
  }
}

}  // namespace comet::continuations
