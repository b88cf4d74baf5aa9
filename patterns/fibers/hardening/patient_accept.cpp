// No client is accepted before there is memory for its connection and a fiber to serve it.
#include "patterns/fibers/hardening/patient_accept.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/fibers/fiber_thread.hpp"

namespace comet::fibers {
using namespace common;

int accept_or_wait(FiberThread& thread) {
  Sleeper& acceptor = thread.acceptor;
  bool out_of_something = !memory_reserve_is_whole() || !thread.fibers.prepare_fibers(1);
  if (!out_of_something) {
    const int socket = accept4(thread.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) return socket;
    out_of_something = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (errno == EAGAIN) acceptor.park();
    // Any other error: that client was gone before it was accepted.
  }
  if (out_of_something) {
    acceptor.set_deadline(kAcceptPause);
    while (!acceptor.expired() && thread.orders.empty()) acceptor.park();
  }
  return -1;
}

}  // namespace comet::fibers
