// Model: a pool of threads; a held request is a Continuation. Here: a handler stopped in mid-function.
// Owner of a connection: its owner alone resumes the handler.
// Runs on: any thread of the pool; a handler may begin on one and go on on another.
// Wakes a held request: resume(), which returns when the handler stops again or ends.
//
//     a thread of the pool                     the handler's own stack
//     begin()   --------- switch --------->    the handler begins
//               <-------- switch ----------    CapturedStack::suspend(), in the middle of the handler
//     (goes on with other work)                (held: nothing runs here; the stack keeps its local variables)
//
//     the same thread or another
//     resume()  --------- switch --------->    suspend() returns, and the handler goes on
//               <-------- switch ----------    the handler ends, and its stack is free for the next request
#pragma once

#include <boost/context/fiber.hpp>
#include <boost/context/preallocated.hpp>
#include <utility>

#include "patterns/common/fiber_annotations.hpp"
#include "patterns/continuations/footprint/stack_pool.hpp"

namespace comet::continuations {
using namespace common;

// The handler's side; lies on the captured stack. A handler must not keep the address of a thread-local
// variable (errno is one) across suspend(): it may go on in another thread.
class CapturedStack {
 public:
  explicit CapturedStack(boost::context::fiber&& caller) : caller_(std::move(caller)) { return_.arrived(); }

  // Goes back to the thread that began or resumed the handler. Returns when the handler is resumed.
  void suspend() {
    return_.leave();
    caller_ = std::move(caller_).resume();
    return_.arrived();
  }

  // The handler's last switch. What it returns must be the captured function's result.
  boost::context::fiber end() {
    return_.leave_for_good();
    return std::move(caller_);
  }

 private:
  boost::context::fiber caller_;
  [[no_unique_address]] FiberReturn return_;
};

// The thread's side; null if no handler is suspended. A suspended handler must be resumed until it ends: the
// destructor would unwind its stack by an exception.
class CapturedHandler {
 public:
  // Runs `handler(CapturedStack&)` on a stack of its own until it suspends. Throws std::bad_alloc if there is
  // no stack for it.
  template <class Handler>
  void begin(StackPool& stacks, Handler handler) {
    boost::context::stack_context stack = stacks.take();
    target_.create(stack.sp, stack.size);
    target_.set_up([&] {
      stack_ =
          boost::context::fiber(std::allocator_arg, boost::context::preallocated(stack.sp, stack.size, stack),
                                PooledStack{&stacks}, [handler](boost::context::fiber&& caller) {
                                  CapturedStack captured(std::move(caller));
                                  handler(captured);
                                  return captured.end();
                                });
    });
    go_on();
  }

  // Runs the handler until it suspends or ends. The argument is a copy, because the handler may free the
  // object that it was moved from.
  static void resume(CapturedHandler handler) {
    handler.go_on();
    if (!handler.stack_) handler.target_.destroy();
  }

 private:
  void go_on() {
    target_.visit([this] { stack_ = std::move(stack_).resume(); });
  }

  boost::context::fiber stack_;
  [[no_unique_address]] FiberTarget target_;
};

}  // namespace comet::continuations
