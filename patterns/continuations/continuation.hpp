// Model: a pool of threads; a held request is this object: Jetty's Continuation (Servlet 2.5/3.0).
// Owner of a connection: the winner of the claim owns the answer; ownership.hpp says who owns the rest.
// Runs on: any thread of the pool.
// Wakes a held request: resume(), called by a publisher.
#pragma once

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <memory>

#include "core/response.hpp"

namespace comet::continuations {
using namespace core;

// One request that can be suspended. Several threads may want to end its hold at once: each claims it by
// resume(), expire(), abandon() or cancel(). Exactly one call returns true, and only its caller goes on.
class Continuation {
 public:
  enum class State : std::uint8_t { initial, suspended, resumed, expired, abandoned, cancelled };

  // The request stays open after its handler has returned. Called by the connection's owner, before any other
  // thread can know of the continuation.
  void suspend();
  // For a handler that is a coroutine: suspends the request, and the handler with it.
  std::suspend_always operator co_await() {
    suspend();
    return {};
  }

  bool resume(const std::shared_ptr<const Message>& message);  // by the publisher: there is a message
  bool expire() { return claim(State::expired); }              // by the timer: the hold is over
  bool abandon() { return claim(State::abandoned); }           // by the reader: the client has left
  bool cancel() { return claim(State::cancelled); }  // by the server, which cannot hold it (any longer)

  // The request is answered, and the next one of this connection begins. Called by the connection's owner.
  void complete();

  // True: the handler runs for the first time. False: it runs again, and the state says why.
  bool is_initial() const { return state() == State::initial; }
  State state() const { return state_.load(std::memory_order_acquire); }
  // What the publisher left. For the connection's owner, in State::resumed.
  const Message& message() const { return *message_; }

 private:
  bool claim(State outcome);

  std::shared_ptr<const Message> message_;
  std::atomic<State> state_{State::initial};
};

}  // namespace comet::continuations
