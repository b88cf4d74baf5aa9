// Model: fibers. Tells ThreadSanitizer of every switch of stacks. Only in its builds, where the linker's
// --wrap leads here what calls Boost.Context's functions: Boost.Fiber, its dispatcher too, and SharedStack.
// Owner of a connection: not its matter.
// Runs on: the thread that switches. Built without the sanitizer, as it runs between two of its stacks.
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
thread_local void* ended = nullptr;       // the sanitizer's fiber of a stack that is not switched to any more

// A stack that leaves keeps what it is on itself, and says so when it is back, also where it is unwound.
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

// Boost enters a stack once as soon as it is made, and gives it its record.
fcontext_t __wrap_make_fcontext(void* top, std::size_t size, Entry entry) {
  next_entry = entry;
  return __real_make_fcontext(top, size, enter);
}

transfer_t __wrap_jump_fcontext(fcontext_t to, void* data) {
  const Return back;
  return __real_jump_fcontext(to, data);
}

// A stack ends with a function on top of the next one, which frees the record and the stack.
transfer_t __wrap_ontop_fcontext(fcontext_t to, void* data, OnTop function) {
  const Return back;
  if (data != nullptr && data == record) ended = __tsan_get_current_fiber();
  return __real_ontop_fcontext(to, data, function);
}

}  // extern "C"
