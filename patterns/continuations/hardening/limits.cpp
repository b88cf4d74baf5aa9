// Model: a pool of threads; a held request is a Continuation. Here: what happens when something runs out.
// Owner of a connection: the caller, as in every other step.
// Runs on: any thread of the pool; accepting and may_hold() in the strand.
// Wakes a held request: refuse_without_memory(), to refuse it.
#include <algorithm>
#include <boost/asio/bind_executor.hpp>

#include "patterns/common/startup.hpp"
#include "patterns/continuations/server.hpp"

namespace comet::continuations {

// Held requests are limited by --max-held, by descriptors, and in the stackful style by stacks: some of each
// are kept back for publishers.
std::size_t Server::most_held(const Options& options) const {
  const std::size_t most = held_limit(options);
  return style_ == ResumeStyle::stackful ? std::min(most, stacks_.most() - kPublishers) : most;
}

// A drain has answered all that are held by then, so nobody is held any more.
bool Server::may_hold() const { return counters_.held < held_limit_ && !draining_; }

// If memory or descriptors run out, new connections wait in the kernel's queue.
void Server::accept_later() {
  accept_timer_.expires_after(kAcceptPause);
  accept_timer_.async_wait(
      boost::asio::bind_executor(strand_, [this](const boost::system::error_code& cancelled) {
        if (!cancelled && !draining_) wait_for_connection();
      }));
}

// Bytes have come and memory is out. What follows cannot be understood without them, so the connection ends
// with a 503, the hold too. If a publisher was first, the bytes are put aside until its message is sent, with
// what is left.
TurnEnd Server::refuse_without_memory(Connection& connection, std::string_view bytes) {
  if (connection.phase != Phase::held) {
    return respond(connection, connection.reader.refuse_without_memory(bytes));
  }
  if (!connection.continuation.cancel()) return put_aside(connection, bytes);
  connection.out_of_memory = true;
  return end_hold(connection);
}

// 503 to a subscriber whose continuation was cancelled.
TurnEnd Server::refuse_subscriber(Connection& connection) {
  if (connection.out_of_memory) return respond(connection, connection.reader.refuse_without_memory({}));
  if (draining_) return respond(connection, service_.shutting_down(connection.form));
  return respond(connection, service_.unavailable("too many held requests", connection.form));
}

}  // namespace comet::continuations
