// Model: a pool of threads; a held request is a Continuation. Here: one Asio timer for all deadlines.
// Owner of a connection: its owner sets and cancels its deadline; the lists are guarded by a mutex.
// Runs on: any thread of the pool.
// Wakes a held request: its time, as Event::time_over.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "core/deadlines.hpp"
#include "core/options.hpp"
#include "patterns/continuations/ownership.hpp"

namespace comet::continuations {
using namespace core;

class DeadlineTimer {
 public:
  // Raises an event for the connection that has the deadline. Called with the lists locked, because a
  // connection cancels its deadline before it is freed; so it must not set or cancel one itself. True: the
  // calling thread became the owner, and `run` follows without the lock.
  using Raise = std::function<bool(Deadline&, Event)>;
  using Run = std::function<void(Deadline&)>;

  DeadlineTimer(boost::asio::io_context& pool, Raise raise, Run run);

  void set(Deadline& deadline, Milliseconds after);
  // After this no thread raises an event for the deadline.
  void cancel(Deadline& deadline);
  // Takes out every deadline and raises `event` for it.
  void end_all(Event event);
  // No timer is waited for any more, so that the pool can run out of work.
  void stop();

 private:
  using Timer = boost::asio::basic_waitable_timer<Clock, boost::asio::wait_traits<Clock>,
                                                  boost::asio::io_context::executor_type>;

  void expire();
  void arm();  // called with the lock held

  const Raise raise_;
  const Run run_;
  std::mutex mutex_;  // guards all below
  Deadlines deadlines_;
  Clock::time_point timer_at_ = Clock::time_point::max();  // when timer_ fires
  Timer timer_;
};

}  // namespace comet::continuations
