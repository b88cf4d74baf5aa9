// What lab 8 gives you: a function that can be left in the middle and gone on with later. It runs on a stack of
// its own. You say which memory that stack is, and when the function goes on. Boost.Context does the switch: it
// stores a few registers and loads others, without the kernel.
#pragma once

#include <boost/context/fiber.hpp>
#include <boost/context/preallocated.hpp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace lab {

class Context {
 public:
  // Prepares `body` to run on the `size` bytes of memory that begin at `bottom`. Nothing runs yet. The memory
  // stays yours: it must stay until the body has returned, and you free it then. This object must not be moved
  // from here on, for the body knows its address.
  template <class Body>
  void prepare(void* bottom, std::size_t size, Body body) {
    boost::context::stack_context memory;
    memory.size = size;
    memory.sp = static_cast<char*>(bottom) + size;  // a stack grows down, from its last byte
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(bottom, size);  // marks of a stack that was here before
#endif
    boost::context::fiber start(std::allocator_arg, KeptMemory{memory},
                                [this, body = std::move(body)](boost::context::fiber&& thread) mutable {
                                  thread_ = std::move(thread);
                                  body();
                                  return std::move(thread_);
                                });
    body_ = std::move(start);
    bottom_ = static_cast<char*>(bottom);
  }

  // Called by the thread: the body runs on, until it calls suspend() or returns.
  void resume() {
    do {
      if (has_ended()) fail("resume() of a function that has returned");
      call_ = nullptr;
      body_ = std::move(body_).resume();
      if (call_) call_();
    } while (call_);
  }
  bool has_ended() const { return !body_; }

  // Called by the body: goes back to the caller of resume(), and returns at the next resume().
  void suspend() { thread_ = std::move(thread_).resume(); }

  // Called by the body: runs `function` on the thread's stack, which is deep, and returns after it. What needs
  // much stack, such as parsing, costs the body's own stack nothing then. `function` must not suspend.
  template <class Function>
  void on_thread_stack(Function&& function) {
    call_ = std::ref(function);
    suspend();
  }

  // In the teaching build, and only with this name: a call too deep for the body's stack. It writes on all of the
  // stack and on some bytes below.
#ifdef COMET_LAB_PAUSES
  void call_too_deep_if(const std::string& name) const {
    if (name == "too-deep") call_deeper();
  }
#else
  void call_too_deep_if(const std::string&) const {}
#endif

 private:
#ifdef COMET_LAB_PAUSES
  [[gnu::noinline]] void call_deeper() const {
    volatile char frame[256] = {};
    if (frame > bottom_) call_deeper();
    frame[0] = 1;  // something is left to do, so the calls are not made into a loop
  }
#endif

  // Boost asks for memory and gives it back; here it is the caller's.
  struct KeptMemory {
    boost::context::stack_context memory;
    boost::context::stack_context allocate() { return memory; }
    void deallocate(boost::context::stack_context&) {}
  };

  [[noreturn]] static void fail(const char* what) {
    std::fprintf(stderr, "lab 8: %s\n", what);
    std::abort();
  }

  std::function<void()> call_;    // what the body wants to have run on the thread's stack
  char* bottom_ = nullptr;        // of the body's stack
  boost::context::fiber thread_;  // while the body runs: where it goes back to
  // While the body does not run; null once it has ended. It stands last: memory that has been freed mostly keeps it, so
  // resume() can tell even then.
  boost::context::fiber body_;
};

}  // namespace lab
