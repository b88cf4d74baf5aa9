// A fiber's stack with a guard page below it: a call that is too deep ends the process at once. Without that
// page it would write into the memory of others.
#pragma once

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <boost/fiber/protected_fixedsize_stack.hpp>
#include <new>

namespace comet::fibers {

// Boost.Context does not check that the guard page got its protection. That takes a memory mapping of its
// own, and fails once the process has as many as it may. If it failed there, it fails again here.
struct GuardedStack : private boost::fibers::protected_fixedsize_stack {
  using Base = boost::fibers::protected_fixedsize_stack;
  using Base::Base;
  using Base::deallocate;

  boost::context::stack_context allocate() {
    auto stack = Base::allocate();
    char* const bottom = static_cast<char*>(stack.sp) - stack.size;
    if (mprotect(bottom, traits_type::page_size(), PROT_NONE) != 0) {
      deallocate(stack);
      throw std::bad_alloc();
    }
    // A fiber that ended on this memory left frames that never return, and AddressSanitizer's marks on them.
    ASAN_UNPOISON_MEMORY_REGION(bottom, stack.size);
    return stack;
  }
};

}  // namespace comet::fibers
