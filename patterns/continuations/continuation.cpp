// Model: a pool of threads; a held request is a Continuation.
// Owner of a connection: the winner of the claim owns the answer.
// Runs on: any thread of the pool.
// Wakes a held request: resume().
#include "patterns/continuations/continuation.hpp"

namespace comet::continuations {

void Continuation::suspend() { state_.store(State::suspended, std::memory_order_release); }

// The message is written after the claim. Nobody reads it too early: the connection's owner learns of the
// claim by Event::resumed or by a hand-over, and both come after this.
bool Continuation::resume(const std::shared_ptr<const Message>& message) {
  if (!claim(State::resumed)) return false;
  message_ = message;
  return true;
}

void Continuation::complete() {
  message_.reset();
  state_.store(State::initial, std::memory_order_release);
}

// The one decision between the threads: only one can find `suspended`.
bool Continuation::claim(State outcome) {
  State expected = State::suspended;
  return state_.compare_exchange_strong(expected, outcome, std::memory_order_acq_rel);
}

}  // namespace comet::continuations
