// Model: fibers. ThreadSanitizer tracks calls per stack, so it must be told of every switch of stacks. Only
// in its builds the linker's --wrap replaces three functions of Boost.Context by those below, for all that
// call them: Boost.Fiber, its dispatcher included, and SharedStack.
// Owner of a connection: nothing here.
// Runs on: the thread that switches. Built without the sanitizer, because it runs between two stacks.
// Wakes a held request: nothing here.
#include <sanitizer/tsan_interface.h>

#include <boost/context/detail/fcontext.hpp>

using boost::context::detail::fcontext_t;
using boost::context::detail::transfer_t;
using Entry = void (*)(transfer_t);
using OnTop = transfer_t (*)(transfer_t);

extern "C" {
fcontext_t __real_make_fcontext(void* top, std::size_t size, Entry entry);
transfer_t __real_jump_fcontext(fcontext_t to, void* data);
transfer_t __real_ontop_fcontext(fcontext_t to, void* data, OnTop function);
}

namespace {

thread_local Entry next_entry = nullptr;  // of a stack that was made and not yet entered
thread_local void* record = nullptr;      // Boost's, of the running stack; null on a thread's own
thread_local void* ended = nullptr;       // the sanitizer's fiber of a stack that has ended

// Around every switch. It stands on the stack that is left, and knows what that stack is. Once the stack is
// entered again, even if only to be unwound, it tells the sanitizer.
class Return {
 public:
  Return() : fiber_(__tsan_get_current_fiber()), record_(record) {}
  ~Return() {
    __tsan_switch_to_fiber(fiber_, 0);
    record = record_;
    if (ended) __tsan_destroy_fiber(ended);
    ended = nullptr;
  }
  Return(const Return&) = delete;
  Return& operator=(const Return&) = delete;

 private:
  void* const fiber_;
  void* const record_;
};

void enter(transfer_t from) {
  record = from.data;
  __tsan_switch_to_fiber(__tsan_create_fiber(0), 0);
  next_entry(from);
}

}  // namespace

extern "C" {

// Boost enters a stack as soon as it is made, and hands it Boost's record of it.
fcontext_t __wrap_make_fcontext(void* top, std::size_t size, Entry entry) {
  next_entry = entry;
  return __real_make_fcontext(top, size, enter);
}

transfer_t __wrap_jump_fcontext(fcontext_t to, void* data) {
  const Return back;
  return __real_jump_fcontext(to, data);
}

// A stack ends by running a function on the next stack, which frees the record and the stack that has ended.
transfer_t __wrap_ontop_fcontext(fcontext_t to, void* data, OnTop function) {
  const Return back;
  if (data != nullptr && data == record) ended = __tsan_get_current_fiber();
  return __real_ontop_fcontext(to, data, function);
}

}  // extern "C"
