// Model: one thread per connection, straight-line code that blocks.
// Owner of a connection: its thread, from serve_connection() to its end.
// Runs on: that thread; accepting and the drain on the main thread.
// Wakes a held request: the publisher's thread, by the waiter's condition variable.
#include "patterns/threaded/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/lookup.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/threaded/blocking_socket.hpp"

namespace comet::threaded {

Server::Server(const Options& options, const ThreadOptions& threads)
    : service_{options, {}, &counters_},
      held_limit_(held_limit(options)),
      started_(unix_milliseconds()),
      channels_(options, Cursor{started_, 0}),
      acceptor_(service_, signals_),
      threads_(std::min(threads.most, connection_limit()), threads.stack_size) {
  service_.read_stats = [this] {
    const std::lock_guard lock(channels_mutex_);
    counters_.channels = channels_.size();
    return read_stats(counters_, "threaded", started_);
  };
}

void Server::run() {
  announce_ready(acceptor_.listener(), service_.options);
  while (const auto socket = acceptor_.next()) accept_connection(*socket);
  drain();
}

// Step 1: accept. Each connection gets a thread of its own.
void Server::accept_connection(int socket) {
  const bool started = threads_.start([this, socket](bool is_last) { serve_connection(socket, is_last); });
  if (!started) acceptor_.refuse(socket, "too many connections");
}

// The whole life of a connection, on its thread.
void Server::serve_connection(int socket, bool has_last_thread) {
  add(counters_.connections);
  try {
    // Not on the stack, whose one page has room for receive_first() then.
    const auto owned = std::make_unique<Connection>(watcher_, socket, service_);
    Connection& connection = *owned;
    connection.has_last_thread = has_last_thread;
    become_idle(connection);
    if (!set_no_delay(socket) || !set_receive_time(socket, time_for(connection, service_.idle_time()))) {
      connection.phase = Phase::closed;
    }
    while (connection.phase < Phase::lingering) read_request(connection);
    close(connection);
  } catch (const std::bad_alloc&) {  // this connection is lost, and nothing else
  }
  ::close(socket);
  subtract(counters_.connections);
}

// The idle time starts here. Bytes that complete no request do not renew it.
void Server::become_idle(Connection& connection) {
  connection.phase = Phase::idle;
  connection.is_silent = true;
  connection.deadline = Clock::now() + time_for(connection, service_.idle_time());
}

// Step 2: read. Blocks until the client sends something. What parses is in footprint/parsing.cpp.
void Server::read_request(Connection& connection) { handle(connection, next_decision(connection)); }

// This thread sets `reading` and then looks at draining_; the drain sets draining_ and then looks at
// `reading`. So this thread sees the drain, or the drain sees this thread and ends its wait.
Decision Server::next_decision(Connection& connection) {
  if (connection.phase == Phase::idle && connection.reader.mid_request()) {  // came behind the request before
    return next_in_buffer(connection);
  }
  connection.reading = true;
  const bool may_read = !draining_;
  if (may_read && connection.phase == Phase::idle && connection.is_silent) return receive_first(connection);
  const bool has_input = may_read && wait_for_input(connection.socket, connection.deadline);
  connection.reading = false;
  if (has_input) return receive(connection);
  if (may_read && connection.phase == Phase::reading) return Reply{connection.reader.timeout_response()};
  connection.phase = Phase::closed;
  return NeedsInput{};
}

// Step 3: decide. The answer to the request says in which phase the connection goes on.
void Server::handle(Connection& connection, const Decision& decision) {
  if (const auto* request = std::get_if<Subscribe>(&decision)) return subscribe(connection, *request);
  if (const auto* message = std::get_if<Publish>(&decision)) return publish(connection, *message);
  if (const auto* reply = std::get_if<Reply>(&decision)) return respond(connection, reply->response);
  // The header time runs from a request's first byte; later bytes do not renew it.
  if (connection.phase == Phase::idle && connection.reader.mid_request()) {
    connection.phase = Phase::reading;
    connection.deadline = Clock::now() + time_for(connection, service_.options.header_timeout);
  }
}

// Step 4: subscribe. Answer from the log, or hold.
void Server::subscribe(Connection& connection, const Subscribe& request) {
  if (const auto answer = answer_or_join(connection, request)) return respond(connection, *answer);
  connection.deadline = Clock::now() + request.hold;
  hold(connection);
}

// The answer; or nothing, and then the waiter has joined its channel's list. One lock covers the look at the
// log and the joining: a message that was published in between would be missed.
std::optional<Response> Server::answer_or_join(Connection& connection, const Subscribe& request) {
  const std::lock_guard lock(channels_mutex_);
  Channel& channel = channels_.open(request.channel);
  const Lookup found = look_up(channel.log, request);
  std::optional<Response> answer;
  if (found.outcome == Outcome::message) {
    answer = service_.message(*found.message, found.form);
  } else if (found.outcome == Outcome::no_content) {
    answer = no_content_response(found.last, found.form);
  } else if (!may_hold(connection)) {
    answer = refuse_hold(found.form);
  } else {
    connection.channel = &channels_.waiting_place(channel, found.last);
    connection.form = found.form;
    connection.last = found.last;  // and it stays the last: the next publish after it ends the hold
    connection.waiter->begin();
    connection.channel->waiters.add(connection.waiter);
    add(counters_.held);
  }
  channels_.close_if_unused(channel);
  return answer;
}

// Step 5: publish. In publish.cpp.

// Step 6: hold. The thread blocks until somebody ends the hold or its time is over
// (hardening/early_input.cpp, for it also takes what the client sends meanwhile).
void Server::hold(Connection& connection) {
  if (wait_for_end(connection) != Waiter::State::message) end_hold(connection);
  switch (connection.waiter->wait()) {  // returns at once, unless somebody is just about to end the hold
    case Waiter::State::message:
      return deliver(connection, connection.waiter->take_message());
    case Waiter::State::left:
      return leave(connection);
    case Waiter::State::drained:
      return drain_hold(connection);
    default:
      return expire(connection);
  }
}

// Step 7: end of a hold, in one of four ways: a message, the time, the client's leaving, the drain. A
// publisher and the drain take the waiter out of its channel's list before they end the hold; otherwise its
// own thread does so here.
void Server::end_hold(Connection& connection) {
  Waiter& waiter = *connection.waiter;
  const std::lock_guard lock(channels_mutex_);
  if (!waiter.is_listed()) return;
  connection.channel->waiters.remove(waiter);
  subtract(counters_.held);
  channels_.close_if_unused(*connection.channel);
  waiter.end(Waiter::State::expired);  // unless the client has left
}

void Server::deliver(Connection& connection, const Message& message) {
  respond(connection, service_.message(message, connection.form));
}

void Server::expire(Connection& connection) {
  add(counters_.timeouts);
  respond(connection, no_content(connection));
}

void Server::leave(Connection& connection) {
  add(counters_.disconnects);
  connection.phase = Phase::closed;
}

void Server::drain_hold(Connection& connection) {
  respond(connection, service_.shutting_down(connection.form));
}

// Step 8: respond. Blocks while the socket's buffer is full, and gives up if the client reads nothing for
// --idle-timeout.
void Server::respond(Connection& connection, const Response& response) {
  if (is_last_answer(connection, response)) return respond(connection, closing(response));
  if (!send_all(connection.socket, *response.bytes, time_for(connection, service_.options.idle_timeout))) {
    connection.phase = Phase::closed;
    return;
  }
  if (is_interim(response)) return;  // 100 Continue: the request goes on, and so does its time
  if (response.is_delivery) add(counters_.delivered);
  if (response.close || draining_) {
    connection.phase = Phase::lingering;
  } else {
    become_idle(connection);
  }
}

// Step 9: close. First the sending side, so that the client reads the answer; then all, when it
// has closed too.
void Server::close(Connection& connection) {
  if (connection.phase != Phase::lingering || shutdown(connection.socket, SHUT_WR) != 0) return;
  discard_input(connection.socket, Clock::now() + linger_time(connection));
}

}  // namespace comet::threaded
