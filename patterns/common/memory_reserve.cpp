// Blocks from malloc, so that they may be made of what others have freed; each is taken or put aside with one
// atomic exchange.
#include "patterns/common/memory_reserve.hpp"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>

#include "patterns/common/startup.hpp"

namespace comet::common {
namespace {

// Small blocks, so that they fit between what others keep. Each costs one page: malloc writes its size there.
constexpr std::size_t kBlockSize = std::size_t{64} << 10;  // bytes
std::array<std::atomic<void*>, 64> blocks;
std::atomic<bool> whole = false;  // so that one check is enough while there is memory

}  // namespace

void keep_memory_reserve() {
  if (!memory_reserve_is_whole()) fail("putting memory aside", ENOMEM);
  // Two arenas, both made now: a thread whose own has nothing left looks into the other and finds whatever
  // block was freed. A thread that has none yet, and can make none, would look into neither.
  mallopt(M_ARENA_MAX, 2);
  std::thread([] {
    void* volatile first = std::malloc(1);  // volatile: else the compiler leaves both calls out
    std::free(first);
  }).join();
  std::set_new_handler([] {
    if (!use_memory_reserve()) throw std::bad_alloc();
  });
}

bool use_memory_reserve() {
  for (std::atomic<void*>& block : blocks) {
    if (void* const taken = block.exchange(nullptr)) {
      whole = false;
      std::free(taken);
      return true;
    }
  }
  return false;
}

bool memory_reserve_is_whole() {
  if (whole.load(std::memory_order_relaxed)) return true;
  for (std::atomic<void*>& block : blocks) {
    if (block.load()) continue;
    void* const put_aside = std::malloc(kBlockSize);
    if (!put_aside) return false;
    void* missing = nullptr;
    if (!block.compare_exchange_strong(missing, put_aside)) std::free(put_aside);
  }
  // Set before the second check: a thread that takes a block after this check sets the flag to false again.
  whole = true;
  const bool none_taken =
      std::all_of(blocks.begin(), blocks.end(), [](const auto& block) { return block.load() != nullptr; });
  if (!none_taken) whole = false;
  return none_taken;
}

}  // namespace comet::common
