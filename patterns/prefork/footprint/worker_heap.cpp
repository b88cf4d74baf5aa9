// Model: prefork. The block is taken from front to back. When all of it has been given back, which is the
// case between two requests, it is taken from the front again.
// Owner of a connection: not this file; each worker has its own copy.
// Runs on: a worker, which has one thread.
// Wakes a held request: nothing here.
#include "patterns/prefork/footprint/worker_heap.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <new>

namespace comet::prefork {
namespace {

constexpr std::size_t kBlockSize = 32768;
constexpr std::size_t kAlignment = __STDCPP_DEFAULT_NEW_ALIGNMENT__;

// Its bookkeeping lies on the block's first page.
struct alignas(4096) Block {
  std::size_t taken;   // bytes, from the front
  std::size_t in_use;  // allocations
  bool open;           // in workers
  alignas(kAlignment) char bytes[kBlockSize];
};
Block block;

}  // namespace

void use_worker_heap() { block.open = true; }

}  // namespace comet::prefork

// The sanitizers replace these operators themselves.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

void* operator new(std::size_t size) {
  using namespace comet::prefork;
  size = std::max<std::size_t>(size, 1);  // delete tells by the address, so each needs one
  const std::size_t rounded = (size + kAlignment - 1) / kAlignment * kAlignment;
  if (block.open && rounded >= size && rounded <= kBlockSize - block.taken) {
    char* const memory = block.bytes + block.taken;
    block.taken += rounded;
    ++block.in_use;
    return memory;
  }
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
  using namespace comet::prefork;
  const std::less<const void*> before;
  if (before(memory, block.bytes) || !before(memory, block.bytes + kBlockSize)) return std::free(memory);
  if (--block.in_use == 0) block.taken = 0;
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

#endif
