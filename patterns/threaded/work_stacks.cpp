// Model: one thread per connection. Keeps a blocked thread's own stack at one touched page: deep calls that
// do not block, such as parsing, run on one of a few shared stacks, so that what they touch is not kept by
// every held request.
// Owner of a connection: its thread, which also is the one that runs here: only the stack pointer moves.
// Runs on: the calling thread.
// Wakes a held request: nothing here.
#include "patterns/threaded/work_stacks.hpp"

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
#include <utility>

#include "patterns/common/fiber_annotations.hpp"
#include "patterns/common/startup.hpp"

namespace comet::threaded {
using namespace core;
using namespace common;
namespace {

constexpr std::size_t kStackSize = 256UL * 1024;  // bytes; only touched pages cost memory
// More than one, for callers that lose their core in the middle of a call.
constexpr std::size_t kStacksPerCore = 4;

}  // namespace

// Memory with a page below it that ends the process on overflow, and the context that runs there, which waits
// between two calls.
class WorkStacks::Stack {
 public:
  Stack() : guard_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    memory_ = mmap(nullptr, guard_ + kStackSize, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory_ == MAP_FAILED || mprotect(memory_, guard_, PROT_NONE) != 0) fail("making a stack", errno);
    boost::context::stack_context stack;
    stack.sp = static_cast<char*>(memory_) + guard_ + kStackSize;
    stack.size = kStackSize;
    target_.create(stack.sp, stack.size);
    target_.set_up([&] {
      inside_ = boost::context::fiber(
          std::allocator_arg, boost::context::preallocated(stack.sp, stack.size, stack), Kept{},
          [this](boost::context::fiber&& caller) { return run(std::move(caller)); });
    });
  }
  ~Stack() {
    call(nullptr, nullptr);
    target_.destroy();
    munmap(memory_, guard_ + kStackSize);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // With mutex locked. No function: the context ends.
  void call(void (*function)(void*), void* argument) {
    function_ = function;
    argument_ = argument;
    target_.visit([this] { inside_ = std::move(inside_).resume(); });
  }

  std::mutex mutex;

 private:
  struct Kept {  // the memory, when the context ends
    void deallocate(const boost::context::stack_context&) {}
  };

  boost::context::fiber run(boost::context::fiber caller) {
    FiberReturn back;
    for (back.arrived(); function_ != nullptr; back.arrived()) {
      function_(argument_);
      back.leave();
      caller = std::move(caller).resume();
    }
    back.leave_for_good();
    return caller;
  }

  const std::size_t guard_;
  void* memory_;
  boost::context::fiber inside_;
  [[no_unique_address]] FiberTarget target_;
  void (*function_)(void*) = nullptr;
  void* argument_ = nullptr;
};

WorkStacks::WorkStacks() {
  const std::size_t count = kStacksPerCore * std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t i = 0; i < count; ++i) stacks_.push_back(std::make_unique<Stack>());
}

WorkStacks::~WorkStacks() = default;

// The first free one, so that few are in the cache; or else the turn on one of them.
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
