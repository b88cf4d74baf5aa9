// Model: a pool of threads over one Asio loop; a held request is a Continuation and costs no thread.
// Owner of a connection: the thread in which its handler runs.
// Runs on: direct: one after another, in any thread; the others: every thread of the pool at once.
// Wakes a held request: the four ways to go on after a suspend, side by side.
//
// A publish may claim thousands of continuations at once. They are resumed in batches: after each batch the
// task goes to the end of the pool's queue, so that other requests wait for one batch and not for all.
#include <algorithm>
#include <new>

#include "patterns/continuations/server.hpp"

namespace comet::continuations {
namespace {

constexpr std::size_t kBatch = 64;  // continuations

}  // namespace

// redispatch, as in Jetty: the handler runs twice, from the top, and is_initial() says which time it is.
// Every thread of the pool takes batches, so all of them share in making the answers.

TurnEnd Server::handle_request(Connection& connection, const Subscribe& request) {
  if (!connection.continuation.is_initial()) return respond_to_subscriber(connection);
  connection.continuation.suspend();
  return subscribe(connection, request);
}

void Server::resume_in_pool(const std::shared_ptr<Claimed>& claimed) {
  boost::asio::post(pool_, [this, claimed] {
    if (resume_batch(*claimed)) resume_in_pool(claimed);
  });
}

// direct: the publish itself answers one subscriber after another, its own client last: a chain of tasks,
// each with one batch, in whichever thread is free. The other threads do not help: an answer that takes long
// to make delays all behind it.

TurnEnd Server::resume_in_chain(const std::shared_ptr<Claimed>& claimed, Connection& publisher,
                                const Response& answer) {
  return hand_to(pool_, [this, claimed, &publisher, answer] {
    if (resume_batch(*claimed)) return resume_in_chain(claimed, publisher, answer);
    return respond(publisher, answer);
  });
}

// stackful: the handler is one function that reads straight down. Its stack is kept while it waits, a page of
// memory for each held request. The pool resumes it as in redispatch, in mid-function and in any thread.

TurnEnd Server::begin_captured(Connection& connection, const Subscribe& request) {
  const auto handler = [this, &connection](CapturedStack& stack) {
    connection.continuation.suspend();
    stack.suspend();
    std::ignore = respond_to_subscriber(connection);
  };
  try {
    connection.captured.begin(stacks_, handler);
  } catch (const std::bad_alloc&) {
    return respond(connection, service_.unavailable("out of stacks", request.form));
  }
  // On the thread's own stack again, with the handler's put aside: from here on any thread may resume it.
  return subscribe(connection, request);
}

// coroutine: the handler reads straight down here too. The compiler knows what the handler needs after its
// co_await and keeps that alone: a frame of some 80 bytes instead of a page. The pool resumes it likewise.

CoroutineHandler Server::handle_as_coroutine(Connection& connection) {
  co_await connection.continuation;
  std::ignore = respond_to_subscriber(connection);
}

TurnEnd Server::begin_coroutine(Connection& connection, const Subscribe& request) {
  connection.coroutine = handle_as_coroutine(connection).handle;
  if (!connection.coroutine)
    return respond(connection, service_.unavailable("no memory for this request", request.form));
  // The handler is suspended and has returned: from here on any thread may resume it.
  return subscribe(connection, request);
}

// What all four share: the choice between them, and the walk over the claimed.

TurnEnd Server::begin_subscribe(Connection& connection, const Subscribe& request) {
  switch (style_) {
    case ResumeStyle::redispatch:
      return handle_request(connection, request);
    case ResumeStyle::stackful:
      return begin_captured(connection, request);
    case ResumeStyle::coroutine:
      return begin_coroutine(connection, request);
    case ResumeStyle::direct:
      break;
  }
  connection.continuation.suspend();
  return subscribe(connection, request);
}

// The continuation is claimed, by whomever, and the caller owns the connection.
TurnEnd Server::go_on(Connection& connection) {
  switch (style_) {
    case ResumeStyle::redispatch:
      return handle_request(connection, {});  // what is needed of the request lies in the connection
    case ResumeStyle::stackful:
      CapturedHandler::resume(std::move(connection.captured));
      return {};  // the handler's last line has ended the turn
    case ResumeStyle::coroutine:
      connection.coroutine.resume();
      return {};  // as above
    case ResumeStyle::direct:
      break;
  }
  return respond_to_subscriber(connection);
}

// A publish has claimed these, and then gives its own client the answer.
TurnEnd Server::resume_claimed(const std::shared_ptr<Claimed>& claimed, Connection& publisher,
                               const Response& answer) {
  if (style_ == ResumeStyle::direct) return resume_in_chain(claimed, publisher, answer);
  const std::size_t batches = (claimed->receivers + kBatch - 1) / kBatch;
  for (std::size_t tasks = std::min<std::size_t>(threads_, batches); tasks > 0; --tasks)
    resume_in_pool(claimed);
  return hand_to(pool_, [this, &publisher, answer] { return respond(publisher, answer); });
}

// False: all are resumed, or another thread has the last of them.
bool Server::resume_batch(Claimed& claimed) {
  Waiters batch;
  {
    const std::lock_guard lock(claimed.mutex);
    for (std::size_t i = 0; i < kBatch && !claimed.connections.empty(); ++i) {
      batch.splice(batch.end(), claimed.connections, claimed.connections.begin());
    }
  }
  const bool resumed = !batch.empty();
  while (!batch.empty()) {
    Connection& connection = batch.front();
    batch.pop_front();
    on_event(connection, Event::resumed);
  }
  return resumed;
}

}  // namespace comet::continuations
