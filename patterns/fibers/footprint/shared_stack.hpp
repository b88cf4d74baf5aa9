// Model: fibers. One deep stack per thread, for calls that need much stack and never wait: parsing. With it a
// fiber's own stack stays within its first page. A call costs two switches of stacks.
// Owner of a connection: the fiber that makes the call.
// Runs on: the calling thread; only the stack pointer moves.
// Wakes a held request: nothing here.
#pragma once

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <memory>
#include <type_traits>
#include <utility>

namespace comet::fibers {

class SharedStack {
 public:
  // Throws std::bad_alloc.
  SharedStack() {
    constexpr std::size_t kStackSize = 512UL * 1024;
    stack_ = boost::context::fiber(std::allocator_arg, boost::context::protected_fixedsize_stack(kStackSize),
                                   [this](boost::context::fiber&& caller) {
                                     while (function_) {
                                       function_(argument_);
                                       caller = std::move(caller).resume();
                                     }
                                     return std::move(caller);
                                   });
  }
  ~SharedStack() {
    function_ = nullptr;
    stack_ = std::move(stack_).resume();
  }
  SharedStack(const SharedStack&) = delete;
  SharedStack& operator=(const SharedStack&) = delete;

  // Runs `function` there. It must not suspend the calling fiber, and must not throw.
  template <class Function>
  void call(Function&& function) {
    argument_ = std::addressof(function);
    function_ = [](void* argument) { (*static_cast<std::remove_reference_t<Function>*>(argument))(); };
    stack_ = std::move(stack_).resume();
  }

 private:
  void (*function_)(void*) = nullptr;
  void* argument_ = nullptr;
  boost::context::fiber stack_;
};

}  // namespace comet::fibers
