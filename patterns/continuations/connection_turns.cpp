// Model: a pool of threads over one Asio loop; a held request is a Continuation and costs no thread.
// Owner of a connection: the thread that found it without one; here is how its turns begin and end.
// Runs on: any thread of the pool. None waits for another: what happens during a turn is left for its owner.
// Wakes a held request: Event::resumed, after a publisher has won its continuation.
#include <boost/asio/post.hpp>
#include <utility>

#include "patterns/continuations/server.hpp"

namespace comet::continuations {

// Any thread: something happened to the connection. Whoever finds it without an owner becomes the owner.
void Server::on_event(Connection& connection, Event event) {
  switch (connection.ownership.raise(event)) {
    case Ownership::Turn::mine:
      return handle_event(connection);
    case Ownership::Turn::others:
      return;
    case Ownership::Turn::last:
      delete &connection;
  }
}

void Server::handle_event(Connection& connection) {
  switch (connection.ownership.take()) {
    case Event::readable:
      connection.waits_for_input = false;
      return read_request(connection);
    case Event::writable:
      return write_rest(connection);
    case Event::resumed:
      return go_on(connection);
    case Event::time_over:
      return end_time(connection);
    case Event::drain:
      return drain_connection(connection);
  }
}

// The end of every turn. What happened meanwhile is handled in a turn of its own.
void Server::release(Connection& connection) {
  if (connection.ownership.give_up()) return;
  boost::asio::post(pool_, [this, &connection] { handle_event(connection); });
}

// Stands from accept to close, so that a client's leaving is seen at once; except while input is left alone.
void Server::wait_for_input(Connection& connection) {
  if (std::exchange(connection.waits_for_input, true)) return;
  connection.socket.async_wait(Socket::wait_read, InputHandler{this, &connection});
}

// The deadline may have moved on since it was found to be over.
void Server::end_time(Connection& connection) {
  using Phase = Connection::Phase;
  if (Clock::now() < connection.at) return release(connection);
  if (connection.phase == Phase::held) return expire(connection);
  if (connection.phase == Phase::reading) return respond(connection, connection.reader.timeout_response());
  close(connection);
}

}  // namespace comet::continuations
