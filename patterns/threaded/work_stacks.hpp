// Model: one thread per connection. Keeps a blocked thread's own stack at one touched page: deep calls that
// do not block, such as parsing, run on one of a few shared stacks, so that what they touch is not kept by
// every held request.
// Owner of a connection: its thread, which also is the one that runs here: only the stack pointer moves.
// Runs on: the calling thread.
// Wakes a held request: nothing here.
#pragma once

#include <exception>
#include <memory>
#include <vector>

namespace comet::threaded {

class WorkStacks {
 public:
  // Exits with one line on standard error where there is no memory for the stacks.
  WorkStacks();
  ~WorkStacks();

  // Calls work() on a shared stack; exceptions pass. Where all are in use it waits, so `work` must not block.
  template <class Work>
  void run(Work work) {
    struct Call {
      Work* work;
      std::exception_ptr error;
    } call{&work, {}};
    call_on_work_stack(
        [](void* argument) {
          auto& self = *static_cast<Call*>(argument);
          try {
            (*self.work)();
          } catch (...) {
            self.error = std::current_exception();
          }
        },
        &call);
    if (call.error) std::rethrow_exception(call.error);
  }

 private:
  class Stack;

  void call_on_work_stack(void (*function)(void*), void* argument);

  std::vector<std::unique_ptr<Stack>> stacks_;
};

}  // namespace comet::threaded
