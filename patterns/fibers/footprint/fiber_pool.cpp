// Model: fibers. Fibers that take one sleeper after another.
// Owner of a connection: the fiber that serves it, until it ends or hibernates.
// Runs on: its scheduler's thread.
// Wakes a held request: run(), if it hibernates.
#include "patterns/fibers/footprint/fiber_pool.hpp"

#include <boost/fiber/fiber.hpp>
#include <memory>
#include <new>

#include "patterns/common/startup.hpp"
#include "patterns/fibers/hardening/guarded_stack.hpp"

namespace comet::fibers {

void FiberPool::run(Sleeper& sleeper) {
  if (&sleeper == &next_try_) return find_fiber();
  waiting_.push_back(&sleeper);
  if (idle_.empty()) return find_fiber();
  boost::fibers::context* const fiber = idle_.back();
  idle_.pop_back();
  boost::fibers::context::active()->schedule(fiber);
}

// For the sleepers that wait. Without memory for a stack they are served by the next fiber that is free, or,
// if all are busy, by a new one as soon as a later try finds memory.
void FiberPool::find_fiber() {
  if (waiting_.empty() || prepare_fibers(1) || next_try_.hibernates()) return;
  next_try_.set_deadline(common::kAcceptPause);
  next_try_.hibernate();
}

bool FiberPool::prepare_fibers(std::size_t count) {
  try {
    for (; free_fibers_ < count; ++free_fibers_) {
      boost::fibers::fiber(boost::fibers::launch::post, std::allocator_arg, GuardedStack(stack_size_),
                           [this] { serve_all(); })
          .detach();
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

// A fiber's whole life. The sleeper that it takes may keep it waiting for long, so it first finds another
// fiber for the next sleeper.
void FiberPool::serve_all() {
  while (true) {
    if (!waiting_.empty()) {
      Sleeper& sleeper = *waiting_.front();
      waiting_.pop_front();
      --free_fibers_;
      find_fiber();
      serve_(sleeper);
      ++free_fibers_;
    } else if (stopped_ || idle_.size() == kMostIdle) {
      break;
    } else {
      idle_.push_back(boost::fibers::context::active());
      boost::fibers::context::active()->suspend();
    }
  }
  --free_fibers_;
}

}  // namespace comet::fibers
