// Model: fibers. A publish: its blocking work, and the letter to the room, which has the log.
// Owner of a connection: its fiber.
// Runs on: that fiber; blocking work that is handed over on a thread of a pool, which answers by letter.
// Wakes a held request: the room, with one letter to each mailbox in the channel's list.
#include <boost/asio/post.hpp>
#include <thread>

#include "patterns/fibers/server.hpp"

namespace comet::fibers {

// Step 5: publish. Do its blocking work, if it has any; then ask the room, which appends to the log and wakes
// the channel's held requests; answer.
void Server::publish(Connection& connection, const Publish& request) {
  if (!work(connection)) return respond(connection, service_.shutting_down(request.form));
  const Letter answer = room_.publish(connection, request);
  if (answer.kind == Kind::no_memory) {
    return respond(connection, service_.refuse(kNoMemoryForMessage, request.form));
  }
  if (answer.kind == Kind::not_above_last) {
    return respond(connection, service_.refuse(kCursorNotAboveLast, request.form));
  }
  respond(connection, published_response(answer.message.cursor, answer.receivers, request.form));
}

// False: the server drains, and the work had not begun yet.
bool Server::work(Connection& connection) {
  if (service_.options.publish_work == Milliseconds{0}) return true;
  if (service_.options.publish_work_threads > 0) return work_in_pool(connection);
  // The signal is seen here before run() sees it: else all publishes that are there by now would work first.
  if (signals_.come() || draining_) return false;
  std::this_thread::sleep_for(service_.options.publish_work);  // the whole thread: no other fiber of it runs
  return true;
}

// The fiber parks until the pool's thread sends its letter, and other fibers run.
bool Server::work_in_pool(Connection& connection) {
  boost::asio::post(work_pool_, [this, &mailbox = connection.mailbox] {
    const bool done = !draining_;
    if (done) std::this_thread::sleep_for(service_.options.publish_work);
    mailbox.send({.kind = done ? Kind::work_done : Kind::shutting_down});
  });
  return connection.mailbox.receive().kind == Kind::work_done;
}

}  // namespace comet::fibers
