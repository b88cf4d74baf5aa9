// Tells sanitizers of each switch of stacks, which Boost.Context does not; called just before and just after
// it. Does nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace comet::common {

// For the thread: create() before the stack is set up, then visit() around every switch to it. FiberReturn is
// for the code on that stack, around every switch back to whichever thread resumed it.

#if defined(__SANITIZE_ADDRESS__)

struct FiberTarget {
  const void* bottom = nullptr;
  std::size_t size = 0;

  void create(void* top, std::size_t stack_size) {
    bottom = static_cast<char*>(top) - stack_size;
    size = stack_size;
  }
  template <class Jump>
  void visit(Jump jump) {
    void* frames = nullptr;
    __sanitizer_start_switch_fiber(&frames, bottom, size);
    jump();
    __sanitizer_finish_switch_fiber(frames, nullptr, nullptr);
  }
  template <class SetUp>
  void set_up(SetUp set_up_stack) {
    set_up_stack();
  }
  void destroy() {}
};

struct FiberReturn {
  void* frames = nullptr;
  const void* bottom = nullptr;
  std::size_t size = 0;

  void arrived() { __sanitizer_finish_switch_fiber(frames, &bottom, &size); }
  void leave() { __sanitizer_start_switch_fiber(&frames, bottom, size); }
  void leave_for_good() { __sanitizer_start_switch_fiber(nullptr, bottom, size); }
};

#else

struct FiberTarget {
#if defined(__SANITIZE_THREAD__)
  void* fiber = nullptr;

  void create(void*, std::size_t) { fiber = __tsan_create_fiber(0); }
  // The thread alone announces both switches: ThreadSanitizer tracks the calls of functions per stack, and
  // several functions end between a stack's last statement and the thread's next one.
  template <class Jump>
  void visit(Jump jump) {
    void* thread = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber, 0);
    jump();
    __tsan_switch_to_fiber(thread, 0);
  }
  void destroy() { __tsan_destroy_fiber(fiber); }
#else
  void create(void*, std::size_t) {}
  template <class Jump>
  void visit(Jump jump) {
    jump();
  }
  void destroy() {}
#endif
  // Boost.Context enters a new stack once to set it up.
  template <class SetUp>
  void set_up(SetUp set_up_stack) {
    visit(set_up_stack);
  }
};

struct FiberReturn {
  void arrived() {}
  void leave() {}
  void leave_for_good() {}
};

#endif

}  // namespace comet::common
