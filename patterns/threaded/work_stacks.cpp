// Model: one thread per connection. Keeps a blocked thread's own stack at two touched pages: deep calls that
// do not block, such as parsing, run on one of a few shared stacks, so that what they touch is not kept by
// every held request.
// Owner of a connection: its thread, which also is the one that runs here: only the stack pointer moves.
// Runs on: the calling thread.
// Wakes a held request: nothing here.
#include "patterns/threaded/work_stacks.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>

#include "patterns/common/startup.hpp"

namespace comet {
namespace {

constexpr std::size_t kStackSize = 256UL * 1024;  // bytes; only touched pages cost memory
// More than one, for callers that lose their core in the middle of a call.
constexpr std::size_t kStacksPerCore = 4;

}  // namespace

// Memory with a page below it that ends the process on overflow, and the two contexts that a call moves
// between.
class WorkStacks::Stack {
 public:
  Stack() : guard_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))) {
    memory_ = mmap(nullptr, guard_ + kStackSize, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory_ == MAP_FAILED || mprotect(memory_, guard_, PROT_NONE) != 0 || getcontext(&inside_) != 0) {
      fail("making a stack", errno);
    }
    inside_.uc_stack.ss_sp = static_cast<char*>(memory_) + guard_;
    inside_.uc_stack.ss_size = kStackSize;
    inside_.uc_link = &outside_;
  }
  ~Stack() { munmap(memory_, guard_ + kStackSize); }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // With mutex locked.
  void call(void (*function)(void*), void* argument) {
    function_ = function;
    argument_ = argument;
    // makecontext(3) passes ints only: a pointer travels as two.
    const auto self = reinterpret_cast<std::uintptr_t>(this);
    makecontext(&inside_, reinterpret_cast<void (*)()>(enter), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
    swapcontext(&outside_, &inside_);  // returns through uc_link when enter() does
  }

  std::mutex mutex;

 private:
  static void enter(unsigned high, unsigned low) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): as makecontext(3) wants it
    const auto& self = *reinterpret_cast<Stack*>(std::uintptr_t{high} << 32 | low);
    self.function_(self.argument_);
  }

  const std::size_t guard_;
  void* memory_;
  ucontext_t inside_;
  ucontext_t outside_;
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

}  // namespace comet
