// Model: prefork. A publish: its blocking work, the log in shared memory, and the bell.
// Owner of a connection: its worker.
// Runs on: that worker, which is there to block: work needs no other.
// Wakes a held request: one write to the bell of its channel.
#include <chrono>
#include <new>
#include <thread>

#include "patterns/prefork/server.hpp"

namespace comet::prefork {

// Step 5: publish. Do its blocking work, if it has any, then append, wake, answer.
void Server::publish(Connection& connection, const Publish& request) {
  const Milliseconds work = service_.options.publish_work;
  if (work > Milliseconds{0}) {
    if (board_.shared().draining) {
      return respond(connection, service_.shutting_down(request.form));
    }
    std::this_thread::sleep_for(work);
  }
  append(connection, request);
}

void Server::append(Connection& connection, const Publish& request) {
  SharedLog::Channel channel(request.channel);
  const auto published = log_.publish(channel, request.body);
  if (!published) {
    return respond(connection,
                   service_.unavailable("no memory for this message", request.form));
  }
  const auto [cursor, number, after_previous] = *published;
  add(board_.counters().published);
  const std::size_t receivers = board_.count_receivers(channel.hash, after_previous, number);
  bells_.ring(channel.hash);
  try {
    respond(connection, published_response(cursor, receivers, request.form));
  } catch (const std::bad_alloc&) {  // before any byte of the answer; not a refusal, as it is published
    close(connection);
  }
}

}  // namespace comet::prefork
