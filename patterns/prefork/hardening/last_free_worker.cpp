// Model: prefork. A publisher gets in even if every other worker waits for a client: the last free one never
// holds a request, and keeps nobody waiting for long.
// Owner of a connection: its worker.
// Runs on: that worker.
// Wakes a held request: the master, if it cannot start the worker that is missing; see take_shedding().
#include <algorithm>

#include "patterns/common/startup.hpp"
#include "patterns/prefork/server.hpp"

namespace comet::prefork {

// How long to wait for a client: shorter if this worker is the last free one.
Milliseconds Server::patience(Milliseconds usual, Milliseconds last) const {
  return board_.no_other_is_free(slot_) ? std::min(usual, last) : usual;
}

// Null if the request may be held. By now it counts as held, and its worker as waiting. So of two requests
// that come together each sees the other: both may be refused, but not both held.
const char* Server::why_not_hold() const {
  const std::size_t most = service_.options.max_held;
  if (most != 0 && board_.held() > most) return "too many held requests";
  return board_.no_other_is_free(slot_) ? "no worker is free" : nullptr;
}

// Whether an answer ends its connection although its client would keep it: if this worker is needed for
// others, or has served its --max-requests and is to be replaced.
bool Server::must_close(const Connection& connection) const {
  return board_.no_other_is_free(slot_) || (is_worn() && !connection.reader.mid_request());
}

bool Server::is_worn() const {
  return pool_options_.max_requests != 0 && requests_ >= pool_options_.max_requests;
}

void Server::refuse_hold(Connection& connection, const char* why) {
  end_hold(connection);
  if (const auto message = look(connection)) return deliver(connection, *message);
  respond(connection, service_.unavailable(why, connection.form));
}

}  // namespace comet::prefork
