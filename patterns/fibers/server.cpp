// Model: fibers. Straight-line code that seems to block; a room fiber owns the channels; all talk by letters.
// Owner of a connection: the fiber that serves it; while it hibernates, the list of its thread.
// Runs on: the thread that accepted it, from its first byte to its last.
// Wakes a held request: a letter from the room in its mailbox.
#include "patterns/fibers/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <cerrno>
#include <memory>
#include <new>
#include <thread>
#include <utility>
#include <variant>

#include "patterns/common/startup.hpp"

namespace comet::fibers {
namespace {

// Of a thread's last fibers so many never hold: publishers find them.
constexpr std::size_t kSpareFibers = 8;

// Each thread after the first has an epoll, a mailbox's event and a listener of its own.
std::size_t own_descriptors(const FiberOptions& options) { return std::size_t{3} * (options.threads - 1); }

// Every connection has a fiber and so a stack, unless it hibernates.
std::size_t most_connections(const FiberOptions& options) {
  const std::size_t most = connection_limit(own_descriptors(options));
  return options.hibernate ? most : std::min(most, most_stacks());
}
std::size_t most_held(const Options& shared, const FiberOptions& options) {
  const std::size_t most = held_limit(shared, own_descriptors(options));
  return options.hibernate ? most : std::min(most, most_stacks() - kPublishers);
}

}  // namespace

Server::Server(const Options& options, const FiberOptions& fiber_options)
    : service_{options, [this] { return read_stats(counters_, "fibers", started_); }, &counters_},
      hibernate_(fiber_options.hibernate),
      connection_limit_(most_connections(fiber_options)),
      started_(unix_milliseconds()),
      no_memory_(unavailable_response("no memory for one more request", {.keep_alive = false}, 0, 0)),
      threads_(prepare_threads(fiber_options)),
      main_(*threads_.front()->scheduler),
      reports_(threads_.front()->inbox, main_),
      room_(threads_.front()->inbox, options, most_held(options, fiber_options), Cursor{started_, 0},
            counters_) {}

Server::Threads Server::prepare_threads(const FiberOptions& fiber_options) {
  Threads threads;
  const auto serve_connection = [this](Connection& connection) { serve(connection); };
  for (const int listener : open_listeners(service_.options, fiber_options.threads)) {
    threads.push_back(std::make_unique<FiberThread>(fiber_options, listener, serve_connection));
  }
  return threads;
}

void Server::run() {
  FiberThread& first = *threads_.front();
  first.scheduler->install();
  std::vector<std::thread> others;  // before any fiber of this thread: without one of them the process ends
  for (std::size_t i = 1; i < threads_.size(); ++i) {
    others.push_back(start_thread([this, &thread = *threads_[i]] {
      thread.scheduler->install();
      boost::fibers::fiber([&] { accept_connections(thread); }).join();
    }));
  }
  for (unsigned i = 0; i < service_.options.publish_work_threads; ++i) {
    others.push_back(start_thread([this] { work_pool_.attach(); }));
  }
  boost::fibers::fiber room([this] { room_.run(); });
  boost::fibers::fiber acceptor([&] { accept_connections(first); });
  if (!first.scheduler->watch(signals_.descriptor(), main_)) fail("watching for signals", errno);
  announce_ready(first.listener, service_.options);
  while (!signals_.come()) main_.park();
  counters_.held_at_drain = counters_.held.load();
  draining_ = true;  // before the signal is taken: publish() sees one of the two
  signals_.restore();
  room_.drain();
  for (const auto& thread : threads_) thread->orders.send_patiently({.kind = Letter::Kind::drain});
  for (std::size_t i = 0; i < threads_.size(); ++i) reports_.receive();
  room_.stop();
  work_pool_.stop();
  acceptor.join();
  room.join();
  for (std::thread& thread : others) thread.join();
}

// Step 1: accept. Over the limit of connections the client gets its 503 and is let go.
void Server::accept_connection(FiberThread& thread, std::unique_ptr<Connection> connection) {
  add(counters_.connections);
  if (!thread.scheduler->watch(connection->socket, *connection) || !thread.fibers.prepare_fibers(1)) {
    return refuse_without_memory(*connection);
  }
  if (counters_.connections > connection_limit_) connection->phase = Phase::refused;
  connection->set_deadline(service_.options.idle_timeout);
  thread.fibers.run(*connection.release());  // serve() deletes it
}

// No memory for its fiber or its answer: one that was made before, as much as the socket takes at once, and the end.
void Server::refuse_without_memory(Connection& connection) {
  if (connection.phase < Phase::writing) {
    add(counters_.rejected);
    [[maybe_unused]] const ssize_t sent =
        ::send(connection.socket, no_memory_.bytes->data(), no_memory_.bytes->size(), MSG_NOSIGNAL);
  }
  close(connection);
}

// A connection's fiber: from its first request, or from where it hibernated, to its close or where it
// hibernates. Out of memory, this connection is lost and nothing else.
void Server::serve(Connection& connection) {
  while (connection.phase != Phase::closed) {
    try {
      go_on(connection);
    } catch (const std::bad_alloc&) {
      refuse_without_memory(connection);  // not held: the room forgets it before its answer is made
    }
    if (connection.hibernates()) return;
  }
  FiberThread& thread = connection.thread;
  delete &connection;
  if (draining_) thread.acceptor.wake();
}

void Server::go_on(Connection& connection) {
  if (connection.phase == Phase::refused) {
    respond(connection, service_.unavailable("too many connections", {.keep_alive = false}));
  } else if (connection.phase == Phase::held) {
    hold(connection);
  } else {
    read_request(connection);
  }
}

// Step 2: read. Waits for bytes until they are a request.
void Server::read_request(Connection& connection) {
  Decision decision;
  if (connection.reader.mid_request()) decision = connection.parse({});  // came behind the request before it
  while (std::holds_alternative<NeedsInput>(decision)) {
    if (!await_input(connection)) return;
    std::string_view bytes;
    if (!connection.receive(bytes)) return close(connection);
    decision = connection.parse(bytes);
    if (connection.readable) boost::this_fiber::yield();  // who always has input must not keep the thread
  }
  handle(connection, decision);
}

// True once the socket has input. Else the connection is closed, or hibernates.
bool Server::await_input(Connection& connection) {
  // The header time runs from a request's first byte and is not renewed by later ones.
  if (connection.phase == Phase::idle && connection.reader.mid_request()) {
    connection.phase = Phase::reading;
    connection.set_deadline(service_.options.header_timeout);
  }
  while (!connection.readable) {
    if (connection.expired() && connection.phase == Phase::reading) {
      respond(connection, connection.reader.timeout_response());
    } else if (connection.expired() || draining_) {
      close(connection);
    }
    if (connection.phase == Phase::closed) return false;
    if (hibernate_ && connection.phase == Phase::idle) {
      connection.hibernate();
      return false;
    }
    connection.park();
  }
  return true;
}

// Step 3: decide.
void Server::handle(Connection& connection, const Decision& decision) {
  if (std::holds_alternative<Subscribe>(decision)) {
    subscribe(connection, decision);
  } else if (std::holds_alternative<Publish>(decision)) {
    publish(connection, decision);
  } else {
    respond(connection, std::get<Reply>(decision).response);
  }
}

// Step 4: subscribe. Tell the room; it answers from the log, or `subscribed`: then it knows the mailbox.
void Server::subscribe(Connection& connection, const Decision& decision) {
  const Subscribe& request = std::get<Subscribe>(decision);
  connection.form = request.form;
  const bool may_hold = request.hold == Milliseconds{0} || hibernate_ ||
                        connection.thread.fibers.prepare_fibers(1 + kSpareFibers);
  if (!may_hold) {
    connection.form.keep_alive = false;
    return respond(connection,
                   service_.unavailable("no memory to hold one more request", connection.form));
  }
  const Letter answer = room_.ask(Letter::Kind::subscribe, connection, decision);
  connection.form.missed = answer.missed;
  if (answer.kind == Letter::Kind::subscribed) {
    connection.phase = Phase::held;
    // go_on() holds it, without this frame to touch at each wake.
    return connection.set_deadline(request.hold);
  }
  if (answer.kind == Letter::Kind::no_memory) {
    return respond(connection,
                   service_.unavailable("no memory for one more channel", connection.form));
  }
  if (answer.kind == Letter::Kind::refused) {
    return respond(connection, service_.unavailable("too many held requests", connection.form));
  }
  answer_subscription(connection, answer);
}

// Step 6: hold. Receive a letter, or input, or the end of the time. Who hibernates comes back here.
void Server::hold(Connection& connection) {
  while (true) {
    for (std::string_view bytes; connection.readable;) {
      const bool open = connection.receive(bytes);
      if (!open || !connection.reader.may_store(bytes.size())) return leave(connection);
      if (!connection.reader.store(bytes)) return refuse_early_input(connection);
    }
    if (!connection.mailbox.empty()) return deliver(connection);
    if (connection.expired()) return expire(connection);
    if (hibernate_) return connection.hibernate();
    connection.park();
  }
}

// What came behind the held request is lost: the connection ends with the answer.
void Server::refuse_early_input(Connection& connection) {
  connection.form.keep_alive = false;
  const Letter letter = room_.leave(connection);
  if (letter.kind != Letter::Kind::left) return answer_subscription(connection, letter);
  respond(connection,
          service_.unavailable("no memory for what came behind this request", connection.form));
}

// Step 7: a hold ends in one of four ways: a message, the time, the client's leaving, the drain.
void Server::deliver(Connection& connection) { answer_subscription(connection, connection.mailbox.take()); }

// The room may have sent a message before it heard that the time is over: then that is the answer.
void Server::expire(Connection& connection) {
  const Letter letter = room_.leave(connection);
  if (letter.kind == Letter::Kind::left) add(counters_.timeouts);
  answer_subscription(connection, letter);
}

void Server::leave(Connection& connection) {
  add(counters_.disconnects);  // first, as whoever sees that nobody is held looks at it
  room_.leave(connection);
  close(connection);
}

void Server::answer_subscription(Connection& connection, const Letter& letter) {
  connection.phase = Phase::idle;
  if (letter.kind == Letter::Kind::message) {
    return respond(connection,
                   service_.message(letter.message, connection.form));
  }
  if (letter.kind != Letter::Kind::shutting_down) {
    return respond(connection, no_content_response(letter.message.cursor, connection.form));
  }
  respond(connection, service_.shutting_down(connection.form));
}

// Step 8: respond. Most answers fit the socket's buffer and leave at once; else the fiber waits until there
// is room. A client that does not read is not read from either, and is closed when its idle time is over.
void Server::respond(Connection& connection, const Response& response) {
  const Phase phase = std::exchange(connection.phase, Phase::writing);
  const bool interim = is_interim(response);  // the request's time goes on
  const auto left = std::chrono::ceil<Milliseconds>(connection.at - Clock::now());
  const Milliseconds patience = interim ? left : service_.options.idle_timeout;
  if (!connection.send_all(*response.bytes, patience)) return close(connection);
  if (!interim) return finish_response(connection, response);
  connection.phase = phase;
}

void Server::finish_response(Connection& connection, const Response& response) {
  if (response.is_delivery) add(counters_.delivered);
  if (response.close || draining_) return linger(connection);
  connection.phase = Phase::idle;
  connection.set_deadline(service_.options.idle_timeout);
}

// Step 9: close. First the sending side, so that the client reads the answer; all when it has closed too.
void Server::linger(Connection& connection) {
  if (::shutdown(connection.socket, SHUT_WR) != 0) return close(connection);
  connection.phase = Phase::lingering;
  connection.discard_input(kLingerTimeout);
  close(connection);
}

// What is left of the connection is deleted by serve().
void Server::close(Connection& connection) {
  if (std::exchange(connection.phase, Phase::closed) == Phase::closed) return;
  ::close(connection.socket);
  subtract(counters_.connections);
}

}  // namespace comet::fibers
