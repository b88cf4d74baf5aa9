// Model: one thread per connection. Keeps the stack of a blocked thread at one touched page: a thread keeps
// every page that it once touched, so deep calls that do not block, such as parsing, run on one of a few
// shared stacks.
// Owner of a connection: its thread, which is also the one that runs here: only its stack pointer moves.
// Runs on: the calling thread.
// Wakes a held request: nothing here.
#include "patterns/threaded/footprint/work_stacks.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <boost/context/preallocated.hpp>
#include <cerrno>
#include <cstddef>
#include <mutex>
#include <thread>

#include "patterns/common/fiber_annotations.hpp"
#include "patterns/common/startup.hpp"

namespace comet::threaded {
using namespace core;
using namespace common;
namespace {

constexpr std::size_t kStackSize = 256UL * 1024;  // bytes; only touched pages cost memory
// More than one, for callers that lose their core in the middle of a call.
constexpr std::size_t kStacksPerCore = 4;

struct KeepsMemory {  // tells Boost.Context that the stack's memory stays when a call on it ends
  void deallocate(const boost::context::stack_context&) {}
};

}  // namespace

// The page below the memory ends the process on overflow.
class WorkStacks::Stack {
 public:
  Stack() : guard_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    memory_ = mmap(nullptr, guard_ + kStackSize, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory_ == MAP_FAILED || mprotect(memory_, guard_, PROT_NONE) != 0) fail("making a stack", errno);
  }
  ~Stack() { munmap(memory_, guard_ + kStackSize); }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // With mutex locked.
  void call(void (*function)(void*), void* argument) {
    namespace context = boost::context;
    context::stack_context stack;
    stack.sp = static_cast<char*>(memory_) + guard_ + kStackSize;
    stack.size = kStackSize;
    FiberTarget target;
    target.create(stack.sp, stack.size);
    context::fiber there;
    target.set_up([&] {
      there = context::fiber(std::allocator_arg, context::preallocated(stack.sp, stack.size, stack),
                             KeepsMemory{}, [&](context::fiber&& caller) {
                               FiberReturn back;
                               back.arrived();
                               function(argument);
                               back.leave_for_good();
                               return std::move(caller);
                             });
    });
    target.visit([&] { there = std::move(there).resume(); });
    target.destroy();
  }

  std::mutex mutex;

 private:
  const std::size_t guard_;
  void* memory_;
};

WorkStacks::WorkStacks() {
  const std::size_t count = kStacksPerCore * std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i) stacks_.push_back(std::make_unique<Stack>());
}

WorkStacks::~WorkStacks() = default;

// The first free one, so that few stacks are used and stay in the cache; if none is free, the turn on
// one of them.
void WorkStacks::call_on_work_stack(void (*function)(void*), void* argument) {
  const auto call = [&](Stack& stack) {
    const std::lock_guard lock(stack.mutex, std::adopt_lock);
    stack.call(function, argument);
  };
  for (const auto& stack : stacks_) {
    if (stack->mutex.try_lock()) return call(*stack);
  }
  Stack& stack = *stacks_[static_cast<unsigned>(sched_getcpu()) % stacks_.size()];
  stack.mutex.lock();
  call(stack);
}

}  // namespace comet::threaded
