// Model: asynchronous event loop. The drain: from the signal to the end of run().
// Owner of a connection: the loop, to the callback of uv_close().
// Runs on: the loop's thread.
// Wakes a held request: drain(), to refuse it.
#include "patterns/async/server.hpp"
#include "patterns/common/startup.hpp"

namespace comet::async {

// Drain: stop accepting, answer every held request with 503, let writes finish, close the rest. The signals'
// default action is back, so that a second one ends the process at once.
void Server::drain() {
  counters_.held_at_drain = counters_.held.load();
  draining_ = true;
  signals_.restore();
  uv_close(reinterpret_cast<uv_handle_t*>(&signal_watch_), nullptr);
  listener_.close();
  const auto drain_each = [](uv_handle_t* handle, void* server) {
    if (handle->type != UV_TCP || uv_is_closing(handle)) return;
    static_cast<Server*>(server)->drain_connection(connection_of(handle));
  };
  uv_walk(&loop_, drain_each, this);
  const auto on_time = [](uv_timer_t* timer) {
    const auto close_connection = [](uv_handle_t* handle, void* server) {
      if (handle->type != UV_TCP) return;
      Connection& connection = connection_of(handle);
      if (connection.phase != Phase::working) static_cast<Server*>(server)->close(connection);
    };
    uv_walk(timer->loop, close_connection, timer->loop->data);
  };
  // It fails only on a timer that is closing.
  uv_timer_start(&drain_timer_, on_time, static_cast<std::uint64_t>(drain_timeout(service_.options).count()),
                 0);
  if (counters_.connections == 0) close_last_handles();
}

void Server::drain_connection(Connection& connection) {
  if (connection.phase == Phase::held) return drain_hold(connection);
  if (connection.phase == Phase::idle || connection.phase == Phase::reading) close(connection);
}

// The last handles go, and run() returns.
void Server::close_last_handles() {
  timer_.close();
  auto* handle = reinterpret_cast<uv_handle_t*>(&drain_timer_);
  if (!uv_is_closing(handle)) uv_close(handle, nullptr);
}

}  // namespace comet::async
