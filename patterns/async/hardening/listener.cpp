// Model: asynchronous event loop. One watcher for the listening socket, and a timer while descriptors or
// memory are out.
// Owner of a connection: not this file; the server gets each socket.
// Runs on: the loop's thread.
// Wakes a held request: nothing here.
#include "patterns/async/hardening/listener.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "patterns/async/hardening/libuv_call.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"

namespace comet::async {

Listener::Listener(const Options& options, std::function<void(int socket)> on_accepted)
    : descriptor_(open_listener(options)), on_accepted_(std::move(on_accepted)) {}

void Listener::open(uv_loop_t& loop) {
  require(uv_poll_init(&loop, &poll_, descriptor_), "uv_poll_init");
  require(uv_timer_init(&loop, &pause_), "uv_timer_init");
  poll_.data = this;
  pause_.data = this;
}

void Listener::start() {
  const auto on_connection = [](uv_poll_t* poll, int, int) {
    static_cast<Listener*>(poll->data)->accept_all();
  };
  require(uv_poll_start(&poll_, UV_READABLE, on_connection), "uv_poll_start");
}

void Listener::close() {
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&pause_), nullptr);
  ::close(descriptor_);
}

// Without memory nobody is accepted: new connections wait in the kernel's queue.
void Listener::accept_all() {
  while (true) {
    if (!memory_reserve_is_whole()) return pause();
    const int socket = accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      on_accepted_(socket);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      return pause();
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;
    }
  }
}

void Listener::pause() {
  require(uv_poll_stop(&poll_), "uv_poll_stop");
  const auto on_time = [](uv_timer_t* timer) { static_cast<Listener*>(timer->data)->start(); };
  require(uv_timer_start(&pause_, on_time, static_cast<std::uint64_t>(kAcceptPause.count()), 0),
          "uv_timer_start");
}

}  // namespace comet::async
