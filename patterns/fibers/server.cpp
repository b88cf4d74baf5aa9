// Model: fibers. A fiber is a stack that is switched in user space, so code that waits reads like code that
// blocks. Each connection has one; a room fiber owns the channels; they talk by letters into mailboxes.
// Owner of a connection: the fiber that serves it; while it hibernates, its thread's list of connections.
// Runs on: the thread that accepted it, from its first byte to its last.
// Wakes a held request: a letter from the room in its mailbox.
#include "patterns/fibers/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <cerrno>
#include <memory>
#include <thread>
#include <variant>

#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/fibers/hardening/limits.hpp"
#include "patterns/fibers/hardening/patient_accept.hpp"

namespace comet::fibers {

Server::Server(const Options& options, const FiberOptions& fiber_options)
    : service_{options, [this] { return read_stats(counters_, "fibers", started_); }, &counters_},
      connection_limit_(most_connections(fiber_options)),
      started_(unix_milliseconds()),
      threads_(make_threads(options, fiber_options, [this](Connection& connection) { serve(connection); })),
      main_(*threads_.front()->scheduler),
      reports_(threads_.front()->inbox, main_),
      room_(threads_.front()->inbox, options, most_held(options, fiber_options), Cursor{started_, 0},
            counters_) {}

// Before any fiber of this thread: if one of them cannot be started the process ends.
std::vector<std::thread> Server::start_threads() {
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads_.size(); ++i) {
    others.push_back(start_thread([this, &thread = *threads_[i]] {
      thread.scheduler->install();
      boost::fibers::fiber([&] { accept_connections(thread); }).join();
    }));
  }
  for (unsigned i = 0; i < service_.options.publish_work_threads; ++i) {
    others.push_back(start_thread([this] { work_pool_.attach(); }));
  }
  return others;
}

void Server::run() {
  FiberThread& first = *threads_.front();
  first.scheduler->install();
  std::vector<std::thread> others = start_threads();
  boost::fibers::fiber room([this] { room_.run(); });
  boost::fibers::fiber acceptor([&] { accept_connections(first); });
  if (!first.scheduler->watch(signals_.descriptor(), main_)) fail("watching for signals", errno);
  announce_ready(first.listener, service_.options);
  while (!signals_.come()) main_.park();
  drain();
  acceptor.join();
  room.join();
  for (std::thread& thread : others) thread.join();
}

// Step 1: accept. Each thread has a fiber that accepts. Over the limit of connections the client
// gets its 503.
void Server::accept_connections(FiberThread& thread) {
  while (thread.orders.empty()) {
    const int socket = accept_or_wait(thread);
    if (socket < 0) continue;
    accept_connection(thread, socket);
    boost::this_fiber::yield();
  }
  drain_thread(thread);
}

void Server::accept_connection(FiberThread& thread, int socket) {
  auto connection = std::make_unique<Connection>(thread, service_, socket);
  add(counters_.connections);
  if (!thread.scheduler->watch(socket, *connection)) return close(*connection);
  if (counters_.connections > connection_limit_) connection->phase = Phase::refused;
  connection->set_deadline(service_.idle_time());
  thread.fibers.run(*connection.release());  // a fiber calls serve(), which deletes it
}

// A connection's fiber, to its close. With --hibernate it returns at each wait, and is called again after it.
void Server::serve(Connection& connection) {
  while (connection.phase != Phase::closed) {
    if (connection.phase == Phase::refused) {
      respond(connection, service_.unavailable("too many connections", {.keep_alive = false}));
    } else if (connection.phase == Phase::held) {
      hold(connection);
    } else {
      read_request(connection);
    }
    if (connection.hibernates()) return;
  }
  FiberThread& thread = connection.thread;
  delete &connection;
  if (draining_) thread.acceptor.wake();
}

// Step 2: read. Waits for bytes until they are a request.
void Server::read_request(Connection& connection) {
  Decision decision;
  if (connection.reader.mid_request()) decision = connection.parse({});  // came behind the request before it
  for (bool first = true; std::holds_alternative<NeedsInput>(decision); first = false) {
    // The header time runs from a request's first byte and is not renewed by later ones.
    if (connection.phase == Phase::idle && connection.reader.mid_request()) {
      connection.phase = Phase::reading;
      connection.set_deadline(service_.options.header_timeout);
    }
    if (!first && connection.expired()) return end_wait(connection);  // input without end, and no request
    while (!connection.readable) {
      if (connection.expired() || draining_) return end_wait(connection);
      if (!connection.wait()) return;
    }
    std::string_view bytes;
    if (!connection.receive(bytes)) return close(connection);
    if (!memory_reserve_is_whole()) {
      return respond(connection, connection.reader.refuse_without_memory(bytes));
    }
    decision = connection.parse(bytes);
    if (connection.readable) boost::this_fiber::yield();  // a client that never pauses keeps no thread
  }
  handle(connection, decision);
}

// No request has come in time, or the server drains.
void Server::end_wait(Connection& connection) {
  if (connection.expired() && connection.phase == Phase::reading) {
    respond(connection, connection.reader.timeout_response());
  } else {
    close(connection);
  }
}

// Step 3: decide.
void Server::handle(Connection& connection, const Decision& decision) {
  if (const auto* request = std::get_if<Subscribe>(&decision)) {
    subscribe(connection, *request);
  } else if (const auto* message = std::get_if<Publish>(&decision)) {
    publish(connection, *message);
  } else {
    respond(connection, std::get<Reply>(decision).response);
  }
}

// Step 4: subscribe. Ask the room: it answers from the log, or it holds the request and knows the mailbox.
void Server::subscribe(Connection& connection, const Subscribe& request) {
  if (!may_hold(connection.thread)) return refuse_hold(connection, request.form);
  const Letter answer = room_.subscribe(connection, request);
  connection.form = answer.form;
  if (answer.kind != Kind::held) return finish(connection, answer);
  connection.phase = Phase::held;  // serve() calls hold(); the request is no longer needed, and freed first
  connection.set_deadline(request.hold);
}

// Step 5: publish. In publish.cpp.

// Step 6: hold. The fiber waits for a letter from the room, for the end of its time, and for the
// client to leave.
void Server::hold(Connection& connection) {
  do {
    if (connection.has_input() && !memory_reserve_is_whole()) return refuse_input(connection);
    if (!connection.store_input()) return leave(connection);
    if (!connection.mailbox.empty()) return finish(connection, connection.mailbox.receive());
    if (connection.expired()) return expire(connection);
  } while (connection.wait());
}

// Step 7: end of a hold. A message, the end of the time, the client's leaving, or the drain. In the first
// and the last case the room has ended it; else this fiber does, and the room may have sent a message
// just before. How it ended is the next letter in the mailbox.
void Server::end_hold(Connection& connection) { connection.mailbox.send(room_.leave(connection)); }

// The room's letter to a subscriber is its answer, after a hold or without one.
void Server::finish(Connection& connection, const Letter& letter) {
  switch (letter.kind) {
    case Kind::message:
      return deliver(connection, letter.message);
    case Kind::shutting_down:
      return drain_hold(connection);
    case Kind::too_many_held:
      return respond(connection, service_.unavailable("too many held requests", connection.form));
    default:  // no_content, left
      return respond(connection, no_content_response(letter.message.cursor, connection.form));
  }
}

void Server::deliver(Connection& connection, const Message& message) {
  respond(connection, service_.message(message, connection.form));
}

void Server::expire(Connection& connection) {
  end_hold(connection);
  const Letter letter = connection.mailbox.receive();
  if (letter.kind == Kind::left) add(counters_.timeouts);
  finish(connection, letter);
}

void Server::leave(Connection& connection) {
  add(counters_.disconnects);  // first: whoever sees that nobody is held may look at it
  end_hold(connection);
  close(connection);
}

void Server::drain_hold(Connection& connection) {
  respond(connection, service_.shutting_down(connection.form));
}

// Step 8: respond. Most answers fit the socket's buffer and leave at once; else the fiber waits until there
// is room. A client that does not read is not read from either, and is closed when its idle time is over.
void Server::respond(Connection& connection, const Response& response) {
  const bool interim = is_interim(response);  // 100 Continue: the request's own time runs on
  const Milliseconds patience = interim ? Milliseconds{0} : service_.idle_time();
  if (!connection.send_all(*response.bytes, patience)) return close(connection);
  if (interim) return;
  if (response.is_delivery) add(counters_.delivered);
  if (response.close || draining_) return linger(connection);
  connection.phase = Phase::idle;
  connection.set_deadline(service_.idle_time());
}

// Step 9: close. First the sending side, so that the client reads the answer; all when it has closed too.
void Server::linger(Connection& connection) {
  if (::shutdown(connection.socket, SHUT_WR) == 0) connection.discard_input(kLingerTimeout);
  close(connection);
}

// What is left of the connection is deleted by serve().
void Server::close(Connection& connection) {
  connection.phase = Phase::closed;
  ::close(connection.socket);
  subtract(counters_.connections);
}

}  // namespace comet::fibers
