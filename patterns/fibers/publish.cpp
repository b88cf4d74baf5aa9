// Model: fibers. A publish: its blocking work, and the letter to the room, which has the log.
// Owner of a connection: its fiber.
// Runs on: that fiber; blocking work that is handed over on a thread of a pool, and it answers by letter.
// Wakes a held request: the room, with one letter to each mailbox in the channel's list.
#include <boost/asio/post.hpp>
#include <chrono>
#include <thread>

#include "patterns/fibers/server.hpp"

namespace comet::fibers {

// Step 5: publish. Do its blocking work, if it has any, here or in the pool; then tell the room, which
// appends to the log and wakes the channel's held requests; answer.
void Server::publish(Connection& connection, const Decision& decision) {
  const ReplyForm form = std::get<Publish>(decision).form;
  const Milliseconds work = service_.options.publish_work;
  if (work > Milliseconds{0} && service_.options.publish_work_threads > 0) {
    if (!work_in_pool(connection)) return respond(connection, service_.shutting_down(form));
  } else if (work > Milliseconds{0}) {
    // The signal is seen before run() sees it: else all publishes that are there by now would work first.
    if (signals_.come() || draining_) return respond(connection, service_.shutting_down(form));
    std::this_thread::sleep_for(work);  // the whole thread: no other fiber of it runs
  }
  const Letter posted = room_.ask(Letter::Kind::publish, connection, decision);
  if (posted.kind == Letter::Kind::no_memory) {
    return respond(connection, service_.unavailable("no memory for this message", form));
  }
  respond(connection, published_response(posted.message.cursor, posted.receivers, form));
}

// The fiber parks, and others run. False where the server drains before the work has begun: it is refused.
bool Server::work_in_pool(Connection& connection) {
  boost::asio::post(work_pool_, [this, &mailbox = connection.mailbox] {
    const bool done = !draining_;
    if (done) std::this_thread::sleep_for(service_.options.publish_work);
    mailbox.send_patiently({.kind = done ? Letter::Kind::worked : Letter::Kind::shutting_down});
  });
  return connection.mailbox.receive().kind == Letter::Kind::worked;
}

}  // namespace comet::fibers
