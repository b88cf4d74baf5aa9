// Model: a pool of threads; a held request is a Continuation. Here: clients that read late, or never.
// Owner of a connection: the caller, as in every other step.
// Runs on: any thread of the pool; cut_later() in the strand.
// Wakes a held request: nothing here.
#include <boost/asio/bind_executor.hpp>

#include "patterns/common/startup.hpp"
#include "patterns/continuations/server.hpp"

namespace comet::continuations {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace

// The socket's buffer is full. A client that does not read is not read from either, and is closed when its
// time is over. An interim answer renews no time: its request is still on the way.
TurnEnd Server::write_later(Connection& connection, const Response& response, std::size_t sent) {
  if (cutting_) return close(connection);  // the cut did not find it: this thread had it
  connection.late_answer = std::make_unique<LateAnswer>(LateAnswer{response, sent, connection.phase});
  connection.phase = Phase::writing;
  if (!is_interim(response)) set_deadline(connection, service_.options.idle_timeout);
  connection.socket.async_wait(
      Socket::wait_write, [this, &connection](const error_code&) { on_event(connection, Event::writable); });
  return release(connection);
}

TurnEnd Server::write_rest(Connection& connection) {
  const auto late = std::exchange(connection.late_answer, nullptr);
  connection.phase = late->phase;
  error_code error;
  const auto rest = asio::buffer(*late->response.bytes) + late->sent;
  const std::size_t sent = connection.socket.write_some(rest, error);
  if (error && error != asio::error::would_block) return close(connection);
  if (sent < rest.size()) return write_later(connection, late->response, late->sent + sent);
  return finish_response(connection, late->response);
}

// After the last answer only the sending side is closed, so that the client can read the answer; the rest
// when the client has closed too, or its time is over.
TurnEnd Server::linger(Connection& connection) {
  error_code error;
  connection.socket.shutdown(Socket::shutdown_send, error);
  if (error || cutting_) return close(connection);
  connection.phase = Phase::lingering;
  set_deadline(connection, kLingerTimeout);
  return release(connection);
}

// A drain waits for such clients, but not for ever.
void Server::cut_later() {
  drain_timer_.expires_after(drain_timeout(service_.options));
  drain_timer_.async_wait(asio::bind_executor(strand_, [this](const error_code& cancelled) {
    if (cancelled) return;
    cutting_ = true;
    deadlines_.end_all(Event::drain);
  }));
}

}  // namespace comet::continuations
