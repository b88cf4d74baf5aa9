// Model: fibers. Fibers that take one sleeper after another.
// Owner of a connection: the fiber that serves it, to its end or to where it hibernates.
// Runs on: its scheduler's thread.
// Wakes a held request: run(), where it hibernates.
#include "patterns/fibers/fiber_pool.hpp"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/protected_fixedsize_stack.hpp>
#include <new>

#include "patterns/common/startup.hpp"

namespace comet::fibers {
using namespace common;
namespace {

// Boost.Context does not look whether the guard page got its protection, which is one more mapping: where
// that fails it fails again here. The frames below an ended fiber's last switch never return, so their
// AddressSanitizer marks would stay.
using GuardedStack = boost::fibers::protected_fixedsize_stack;
struct Stack : GuardedStack {
  using GuardedStack::GuardedStack;

  boost::context::stack_context allocate() {
    auto stack = GuardedStack::allocate();
    char* const bottom = static_cast<char*>(stack.sp) - stack.size;
    if (mprotect(bottom, traits_type::page_size(), PROT_NONE) != 0) {
      deallocate(stack);
      throw std::bad_alloc();
    }
    ASAN_UNPOISON_MEMORY_REGION(bottom, stack.size);
    return stack;
  }
};

}  // namespace

// next_try_ comes here like any sleeper whose wait is over.
void FiberPool::run(Sleeper& sleeper) {
  if (&sleeper != &next_try_) waiting_.push_back(sleeper);
  if (idle_.empty()) return find_fiber();
  boost::fibers::context* fiber = idle_.back();
  idle_.pop_back();
  boost::fibers::context::active()->schedule(fiber);
}

// For whoever waits. Where there is none, whichever fiber is free first takes him, or the next try finds memory.
void FiberPool::find_fiber() {
  if (waiting_.empty() || prepare_fibers(1) || next_try_.hibernates()) return;
  next_try_.set_deadline(kAcceptPause);
  if (!next_try_.expired()) next_try_.hibernate();
}

bool FiberPool::prepare_fibers(std::size_t count) {
  try {
    for (; free_ < count; ++free_) {
      boost::fibers::fiber(boost::fibers::launch::post, std::allocator_arg, Stack(stack_size_), [this] {
        serve_all();
      }).detach();
    }
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

void FiberPool::stop() {
  stopped_ = true;
  for (boost::fibers::context* fiber : idle_) boost::fibers::context::active()->schedule(fiber);
  idle_.clear();
}

// A fiber's whole life. A fiber that takes a sleeper may wait in it: it sees to it that another is there for
// the next.
void FiberPool::serve_all() {
  while (true) {
    if (!waiting_.empty()) {
      Sleeper& sleeper = waiting_.front();
      waiting_.pop_front();
      --free_;
      find_fiber();
      serve_(sleeper);
      ++free_;
    } else if (stopped_ || idle_.size() == kMostIdle) {
      break;
    } else {
      idle_.push_back(boost::fibers::context::active());
      boost::fibers::context::active()->suspend();
    }
  }
  --free_;
}

}  // namespace comet::fibers
