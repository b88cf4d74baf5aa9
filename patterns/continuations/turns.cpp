// Model: a pool of threads over one Asio loop; a held request is a Continuation and costs no thread.
// Owner of a connection: the thread that found it without one; here is how its turns begin and end.
// Runs on: any thread of the pool. None waits for another: what happens during a turn is left for its owner.
// Wakes a held request: Event::resumed, after a publisher has claimed its continuation.
#include <boost/asio/bind_allocator.hpp>

#include "patterns/continuations/server.hpp"

namespace comet::continuations {

// Any thread: something happened to the connection. If nobody owns it, this thread does, and a turn begins.
void Server::on_event(Connection& connection, Event event) {
  switch (connection.ownership.raise(event)) {
    case Ownership::Turn::mine:
      return begin_turn(connection);
    case Ownership::Turn::others:
      return;
    case Ownership::Turn::last:
      free(connection);
  }
}

void Server::begin_turn(Connection& connection) { std::ignore = handle_event(connection); }

TurnEnd Server::handle_event(Connection& connection) {
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
      break;
  }
  return drain_connection(connection);
}

// What happened during the turn is handled in a turn of its own, behind what else waits for the pool.
TurnEnd Server::release(Connection& connection) {
  if (connection.ownership.give_up()) return {};
  return hand_to(pool_, [this, &connection] { return handle_event(connection); });
}

// The wait stands from accept to close, so that a client's leaving is seen at once; except while a client
// does not read its answer.
void Server::wait_for_input(Connection& connection) {
  if (std::exchange(connection.waits_for_input, true)) return;
  const auto on_input = [this, &connection](const boost::system::error_code&) {
    on_event(connection, Event::readable);
  };
  const OperationAllocator<std::byte> in_the_connection(connection.input_wait);
  connection.socket.async_wait(Socket::wait_read, boost::asio::bind_allocator(in_the_connection, on_input));
}

// The deadline may have moved on since it was found to be over.
TurnEnd Server::end_time(Connection& connection) {
  if (Clock::now() < connection.at) return release(connection);
  if (connection.phase == Phase::held) return expire(connection);
  if (connection.phase == Phase::reading && connection.reader.mid_request()) {
    return respond(connection, connection.reader.timeout_response());
  }
  return close(connection);
}

}  // namespace comet::continuations
