// Model: a pool of threads over one Asio loop; a held request is a Continuation and costs no thread.
// Owner of a connection: the thread in which its handler runs.
// Runs on: redispatch and stackful: every thread of the pool at once; direct: one after another in any.
// Wakes a held request: the three ways to go on after a suspend, side by side.
#include <boost/asio/post.hpp>
#include <new>
#include <utility>

#include "patterns/continuations/server.hpp"

namespace comet::continuations {

// redispatch, as Jetty: the handler runs twice, from the top; is_initial() says which time it is. The message
// comes back as an attribute. Costs a second pass through the pool for each portion; all threads share in making
// the answers.

void Server::handle_request(Connection& connection, Subscribe&& request) {
  if (connection.continuation.is_initial()) {
    connection.continuation.suspend();
    subscribe(connection, std::move(request));
  } else {
    respond_to_subscriber(connection);
  }
}

// One task for each thread; each takes a portion and queues again behind what else has come meanwhile.
void Server::resume_in_pool(const std::shared_ptr<Woken>& woken) {
  boost::asio::post(pool_, [this, woken] {
    if (resume_portion(*woken)) resume_in_pool(woken);
  });
}

// direct: the publish answers one subscriber after another, its own client last: one chain of tasks, each with a
// portion, in whichever thread is free. No help from the other threads: an answer that takes long to make delays all
// behind it.

void Server::resume_in_loop(const std::shared_ptr<Woken>& woken, Connection& publisher,
                            const Response& answer) {
  boost::asio::post(pool_, [this, woken, &publisher, answer] {
    if (!resume_portion(*woken)) return respond(publisher, answer);
    resume_in_loop(woken, publisher, answer);
  });
}

// stackful: the handler is one function that reads straight down. Its stack is kept while it waits, a page
// of memory for each held request, and whichever thread resumes it goes on in mid-function.

void Server::begin_captured(Connection& connection, Subscribe&& request) {
  const auto handler = [this, &connection](CapturedStack& stack) {
    connection.continuation.suspend();
    stack.suspend();
    respond_to_subscriber(connection);
  };
  try {
    connection.handler.begin(stacks_, handler);
  } catch (const std::bad_alloc&) {
    return respond(connection, service_.unavailable("out of stacks", request.form));
  }
  // On the thread's own stack again, with the handler's put aside: from here on any thread may resume it.
  subscribe(connection, std::move(request));
}

// What all three share: the choice between them, the walk over the woken, and the answer.

void Server::begin_subscribe(Connection& connection, Subscribe&& request) {
  if (style_ == ResumeStyle::redispatch) return handle_request(connection, std::move(request));
  if (style_ == ResumeStyle::stackful) return begin_captured(connection, std::move(request));
  connection.continuation.suspend();
  subscribe(connection, std::move(request));
}

// A publish has won these continuations.
void Server::resume(const std::shared_ptr<Woken>& woken, Connection& publisher, const Response& answer) {
  if (style_ == ResumeStyle::direct) return resume_in_loop(woken, publisher, answer);
  for (std::size_t tasks = std::min<std::size_t>(threads_, woken->portions.size()); tasks > 0; --tasks) {
    resume_in_pool(woken);
  }
  boost::asio::post(pool_, [this, &publisher, answer] { respond(publisher, answer); });
}

// One continuation is won, by whomever, and the caller owns its connection.
void Server::go_on(Connection& connection) {
  switch (style_) {
    case ResumeStyle::redispatch:
      return handle_request(connection, {});  // what is needed of the request is in the attributes
    case ResumeStyle::direct:
      return respond_to_subscriber(connection);
    case ResumeStyle::stackful:
      return CapturedHandler::resume(std::move(connection.handler));
  }
}

// False once there is no portion left.
bool Server::resume_portion(Woken& woken) {
  const std::size_t index = woken.next.fetch_add(1, std::memory_order_relaxed);
  if (index >= woken.portions.size()) return false;
  Waiters& portion = woken.portions[index];
  while (!portion.empty()) {
    Connection& connection = portion.front();
    portion.pop_front();
    on_event(connection, Event::resumed);
  }
  return true;
}

// What the attributes say.
void Server::respond_to_subscriber(Connection& connection) {
  using State = Continuation::State;
  if (connection.client_left) return close(connection);
  const Continuation::Attributes& attributes = connection.continuation.attributes;
  switch (connection.continuation.state()) {
    case State::resumed:
      return respond(connection,
                     service_.message(*attributes.message, attributes.form));
    case State::expired:
      return respond(connection, no_content_response(attributes.cursor, attributes.form));
    case State::refused:
      if (attributes.no_memory) return respond(connection, connection.reader.refuse_without_memory({}));
      return respond(connection, draining_ ? service_.shutting_down(attributes.form)
                                           : service_.unavailable("too many held requests",
                                                    attributes.form));
    case State::initial:
    case State::suspended:
    case State::abandoned:
      return close(connection);
  }
}

}  // namespace comet::continuations
