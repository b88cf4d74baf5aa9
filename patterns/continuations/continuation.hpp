// Model: a pool of threads; a held request is this object: Jetty's Continuation (Servlet 2.5/3.0).
// Owner of a connection: the winner of the claim owns the answer; ownership.hpp says who owns the rest.
// Runs on: any thread of the pool.
// Wakes a held request: resume(), called by a publisher.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/cursor.hpp"
#include "core/response.hpp"

namespace comet::continuations {
using namespace core;

// One request that can be suspended. resume(), expire(), abandon() and refuse() may be called by several
// threads at once: exactly one returns true, and only its caller may go on to answer the request or to write
// the attributes.
class Continuation {
 public:
  enum class State : std::uint8_t { initial, suspended, resumed, expired, abandoned, refused };

  // What the request takes along, and what the winner of the claim leaves for its answer.
  struct Attributes {
    std::shared_ptr<const Message> message;  // after resume()
    Cursor cursor;                           // after expire(): where the next poll goes on
    ReplyForm form;                          // of the answer; form.missed is known when the hold begins
    bool no_memory = false;                  // after refuse(): why; the connection ends with it
  };

  // The request stays open after its handler returns. Called by the connection's owner, before any other
  // thread can know of the continuation.
  void suspend();

  bool resume(const std::shared_ptr<const Message>& message);  // by the publisher: there is a message
  bool expire() { return claim(State::expired); }              // by the timer: the hold is over
  bool abandon() { return claim(State::abandoned); }           // by the reader: the client has left
  bool refuse() { return claim(State::refused); }              // by a cap or the drain: 503

  // The request is answered, and the next one of this connection begins. Called by the connection's owner.
  void complete();

  // True: the handler runs for the first time. False: it runs again, and the attributes say with what.
  bool is_initial() const { return state() == State::initial; }
  State state() const { return state_.load(std::memory_order_acquire); }

  Attributes attributes;

 private:
  bool claim(State outcome);

  std::atomic<State> state_{State::initial};
};

}  // namespace comet::continuations
