// Model: prefork. A publish: its blocking work, the log in shared memory, and the event of its channel.
// Owner of a connection: its worker.
// Runs on: that worker. It may block as long as the work takes: it serves nobody else.
// Wakes a held request: one write to the event of its channel.
#include <thread>

#include "patterns/prefork/server.hpp"

namespace comet::prefork {

// Step 5: publish. Do its blocking work, if it has any, then append, wake, answer.
void Server::publish(Connection& connection, const Publish& request) {
  if (service_.options.publish_work > Milliseconds{0}) {
    if (is_draining()) return respond(connection, service_.shutting_down(request.form));
    std::this_thread::sleep_for(service_.options.publish_work);
  }
  Channel channel(request.channel);
  const auto published = log_.publish(channel, request.body, request.cursor);
  if (!published) return respond(connection, service_.refuse(kCursorNotAboveLast, request.form));
  const auto [cursor, number, after_previous] = *published;
  // It is published, and nothing that fails from here on may say otherwise.
  connection.phase = Phase::writing;
  add(board_.counters().published);
  const std::size_t receivers = board_.count_receivers(channel.hash, after_previous, number);
  events_.notify(channel.hash);
  respond(connection, published_response(cursor, receivers, request.form));
}

}  // namespace comet::prefork
