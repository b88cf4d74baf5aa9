// Model: one thread per connection. A held request is its thread, blocked here on a condition variable.
// Owner of a connection: its thread; the waiter is shared with the channel's list and with the watcher.
// Runs on: wait() on the connection's thread, end() and leave() on any.
// Wakes a held request: whoever ends the hold first; everybody later is told that it was not theirs.
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

  // Begins a hold. Where the client has left before, the hold is over already.
  void begin();

  // Ends the hold; true for the one call that did. Wakes the thread with no lock held, or it would run into
  // it; that is also why waiters are shared: their thread may be gone by then.
  bool end(State how);
  bool end(const Message& message);

  // The client has left: ends this hold, and any later one when it begins.
  void leave();

  // Bytes have come that only the waiter's thread may read: returns it from wait().
  void notice_input();

  // Blocks until the hold is over, input is noticed or `until` has come: in the last two cases it still is
  // State::waiting, and may be ended at any time.
  State wait(Clock::time_point until);
  State wait();

  // What ended the hold: once, after wait() has returned State::message.
  Message take_message();

  // Guarded by the lock of the channels: whether it is in its channel's list, and what keeps it alive in a
  // list.
  bool listed = false;
  std::shared_ptr<Waiter> self;

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable ended_;
  State state_ = State::waiting;
  bool left_ = false;
  bool has_input_ = false;  // noticed, and not yet said to the thread
  Message message_;
};

// Waiters of a channel, or those that were taken out of it at once. No allocation per hold.
using Waiters = boost::intrusive::list<Waiter, boost::intrusive::constant_time_size<false>>;

// Takes the first waiter out of a list that is not empty.
std::shared_ptr<Waiter> take_first(Waiters& waiters);

}  // namespace comet::threaded
