// Model: one thread per connection. Keeps the stack of a blocked thread at one touched page: a thread keeps
// every page that it once touched, so deep calls that do not block, such as parsing, run on one of a few
// shared stacks.
// Owner of a connection: its thread, which is also the one that runs here: only its stack pointer moves.
// Runs on: the calling thread.
// Wakes a held request: nothing here.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace comet::threaded {

class WorkStacks {
 public:
  // Exits with one line on standard error if there is no memory for the stacks.
  WorkStacks();
  ~WorkStacks();

  // Calls work() on a shared stack and returns its result; exceptions pass. If all stacks are in use it waits
  // for one, so `work` must not block. Not inlined: its frame would become part of the caller's, which may go
  // on to block.
  template <class Work>
  [[gnu::noinline]] std::invoke_result_t<Work&> run(Work work) {
    std::optional<std::invoke_result_t<Work&>> result;
    std::exception_ptr error;
    auto call = [&] {
      try {
        result.emplace(work());
      } catch (...) {
        error = std::current_exception();
      }
    };
    call_on_work_stack([](void* argument) { (*static_cast<decltype(call)*>(argument))(); }, &call);
    if (error) std::rethrow_exception(error);
    return std::move(*result);
  }

 private:
  class Stack;

  void call_on_work_stack(void (*function)(void*), void* argument);

  std::vector<std::unique_ptr<Stack>> stacks_;
};

}  // namespace comet::threaded
