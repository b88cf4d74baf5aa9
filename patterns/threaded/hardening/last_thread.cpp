// Model: one thread per connection. At the cap of threads a publisher still gets in: the last thread never
// holds, and nobody keeps it for long.
// Owner of a connection: its thread.
// Runs on: that thread.
// Wakes a held request: nothing here.
#include <algorithm>

#include "patterns/common/startup.hpp"
#include "patterns/threaded/server.hpp"

namespace comet::threaded {

// Called with channels_mutex_ held. Also whether the watcher can tell of the client's leaving; without that
// nothing is held.
bool Server::may_hold(Connection& connection) {
  return !draining_ && counters_.held < std::min(held_limit_, threads_.limit() - 1) &&
         watcher_.watch(connection);
}

// Why a request is not held. The connection ends with it if threads are short: its thread may be
// the last one.
Response Server::refuse_hold(ReplyForm form) const {
  if (draining_) return service_.shutting_down(form);
  if (counters_.held >= threads_.limit() - 1) form.keep_alive = false;
  return service_.unavailable("too many held requests", form);
}

// The connection that took the last thread gets one answer. It has a second at most for its request, and
// again to read the answer.
Milliseconds Server::time_for(const Connection& connection, Milliseconds usual) const {
  return connection.has_last_thread ? std::min(usual, kCrowdedWait) : usual;
}

// For the client to close after its last answer.
Milliseconds Server::linger_time(const Connection& connection) const {
  return connection.has_last_thread ? kCrowdedLinger : kLingerTimeout;
}

bool Server::is_last_answer(const Connection& connection, const Response& response) const {
  return connection.has_last_thread && !response.close && !is_interim(response);
}

}  // namespace comet::threaded
