// Model: a pool of threads; a held request is a Continuation. Here: a handler that is a C++20 coroutine.
// Owner of a connection: its owner alone resumes the handler.
// Runs on: any thread of the pool; a handler may begin on one and go on on another.
// Wakes a held request: resume() of its handle, which returns when the handler ends.
//
//     a thread of the pool                     the handler's frame, from the heap
//     the call  --------- begins -------->     the handler runs, on the thread's own stack
//               <-------- returns --------     co_await: the frame keeps what the rest of the handler needs
//     (goes on with other work)                (held: nothing runs here)
//
//     the same thread or another
//     resume()  ------------------------->     the handler goes on, on this thread's stack
//               <-------- returns --------     the handler ends, and its frame is freed
#pragma once

#include <coroutine>

namespace comet::continuations {

// What a handler that is a coroutine returns to its caller, once it is suspended: how to go on with it. Null
// if there was no memory for the frame: then no line of the handler has run. A suspended handler must be
// resumed, once: else its frame is never freed.
struct CoroutineHandler {
  // What the compiler asks of such a handler.
  struct promise_type {
    CoroutineHandler get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    // Because this is here, the frame comes from `new (std::nothrow)`.
    static CoroutineHandler get_return_object_on_allocation_failure() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }  // to whoever has called or resumed the handler
  };

  std::coroutine_handle<> handle;
};

}  // namespace comet::continuations
