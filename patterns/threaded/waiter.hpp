// Model: one thread per connection. A held request is its thread, blocked here on a condition variable.
// Owner of a connection: its thread; the waiter is shared with whoever is about to end the hold.
// Runs on: wait() on the connection's thread, end() and leave() on any.
// Wakes a held request: whoever ends the hold first. Anyone later is told that it was not theirs.
//
//                    ends the hold    what it does, and under which lock
//   waiting -+-> message   a publisher    takes the waiter out of its channel's list (channels' lock),
//            |                            then moves the state (the waiter's own lock)
//            +-> drained   the drain      the same
//            +-> expired   its thread     the same, but with both locks at once
//            +-> left      the watcher    moves the state; the thread then takes the waiter out of the list
//
// Four threads may try to end one hold at the same moment. Every arrow is taken under the waiter's own lock,
// so exactly one of them wins. A message must not be lost when it comes just as the time is over, and the
// list decides that: a waiter is taken out of it once. If the thread finds its waiter gone from the list,
// somebody is about to end the hold, and it waits for that instead of answering 204.
#pragma once

#include <boost/intrusive/list.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "core/deadlines.hpp"
#include "core/response.hpp"

namespace comet::threaded {
using namespace core;

// Serves one connection for all of its holds, one after another.
class Waiter : public boost::intrusive::list_base_hook<> {
 public:
  enum class State { waiting, message, expired, left, drained };

  // Begins a hold. If the client has left already, the hold is over at once.
  void begin();

  // Ends the hold; true for the one call that did. It unlocks before it notifies, so that the woken thread
  // does not block on the lock. By then that thread may have ended with its connection, which is why
  // waiters are shared.
  bool end(State how) { return end(how, {}); }
  bool end(const Message& message) { return end(State::message, message); }

  // The client has left: ends this hold, or the next one when it begins.
  void leave();

  // Bytes have come that only the waiter's thread may read: makes wait() return.
  void notice_input();

  // Blocks until the hold is over, until input is noticed, or until `until`. In the last two cases it returns
  // State::waiting, and the hold may still be ended at any time.
  State wait(Clock::time_point until);
  // Blocks until the hold is over.
  State wait();

  // What ended the hold: once, after wait() has returned State::message.
  Message take_message();

  // Whether it is in the list of its channel. If it is not, somebody has taken it out and is about to
  // end the hold.
  bool is_listed() const { return listed_; }

 private:
  friend class Waiters;
  bool end(State how, const Message& message);

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  Message message_;
  State state_ = State::waiting;
  bool left_ = false;
  bool has_input_ = false;  // noticed, and not yet told to the thread

  // Guarded by the lock of the channels.
  bool listed_ = false;
  std::shared_ptr<Waiter> self_;  // keeps it alive while it is in a list
};

// Waiters of one channel; or those that were taken out of it, while they are ended. The hook in the waiter
// makes a list without an allocation for each hold. A channel's list is guarded by the lock of the channels.
class Waiters {
 public:
  bool empty() const { return list_.empty(); }

  // Into a channel's list.
  void add(const std::shared_ptr<Waiter>& waiter);
  // Out of its channel's list; it must be there.
  void remove(Waiter& waiter);
  // All of a channel's waiters, which are the caller's to end from now on. Returns their number.
  std::size_t take_all(Waiters& channel);
  // One of those that were taken; there must be one.
  std::shared_ptr<Waiter> take_first();

 private:
  boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>> list_;
};

}  // namespace comet::threaded
