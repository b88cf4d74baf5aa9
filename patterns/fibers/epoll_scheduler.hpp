// Model: fibers. One thread's scheduler: it decides which fiber runs next, and it is where the thread sleeps.
// Owner of a connection: its fiber; the scheduler knows it as a Sleeper only.
// Runs on: the one thread that install()s it; only notify() is for other threads.
// Wakes a held request: wake() on its Sleeper, for an event, at its deadline or with a letter. Nothing ticks.
//
//     new fiber         wake(): an event, the deadline, or a letter
//         |      +---------------------------------------------------------------------+
//         v      v                                                                     |
//     +-----------+   pick_next(): the first   +-----------+        park()       +-----------+
//     |   ready   | -------------------------> |  running  | ------------------> |  parked   |
//     | (a queue) | <------------------------- |   (one)   |                     |           |
//     +-----------+          yield()           +-----------+                     +-----------+
//         ^                                          |
//         |                                          |  hibernate(): the fiber is free for others
//         |   FiberPool finds it a fiber             v
//     +-----------+           wake()           +-------------+
//     |   woken   | <------------------------- | hibernating |
//     +-----------+                            +-------------+
//
// A thread runs one fiber at a time, until that fiber itself gives way: it parks because it has to wait for
// something, or it yields, or it ends. Nothing interrupts it. Then the first fiber of the ready queue runs.
// wake() on a parked fiber's Sleeper puts the fiber at the end of that queue. Three callers do so:
// take_events() if its socket has an event, expire_all() at its deadline, and a mailbox that gets a letter
// for it. Once the queue is empty the thread sleeps in epoll_wait(): until the next event, until the earliest
// deadline, or until another thread calls notify(). With --hibernate a connection that waits has no fiber;
// only its Sleeper is left, and the first fiber that is free goes on with it after wake().
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/scheduler.hpp>
#include <functional>

#include "core/deadlines.hpp"
#include "core/options.hpp"

namespace comet::fibers {
using namespace core;

class EpollScheduler;

// What one fiber waits by. It belongs to one thread. Everything that happens to it ends its wait: an event of
// its socket, the end of its deadline, or wake(). The fiber then checks why it was woken, and waits again if
// it was for nothing.
class Sleeper : public Deadline {
 public:
  explicit Sleeper(EpollScheduler& home) : home_(home) {}
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  // The wait is over at the latest `after` from now. Replaces the deadline set before.
  void set_deadline(Milliseconds after);
  bool expired() const { return expired_; }

  // Suspends the calling fiber until wake().
  void park();
  // Waits without a fiber: the calling one is going to leave. wake() calls on_woken_without_fiber.
  void hibernate() { asleep_ = true; }
  // Asked by a running fiber, which itself is not asleep.
  bool hibernates() const { return asleep_; }
  void wake();

  // Of the watched socket. Each is set by an event, and cleared by the fiber that finds the socket
  // empty or full.
  bool readable = false;
  bool writable = false;
  bool hung_up = false;  // nothing will come after what is still to be read

 private:
  friend class EpollScheduler;

  bool expired_ = false;
  bool asleep_ = false;
  boost::fibers::context* fiber_ = nullptr;  // the parked fiber; null while hibernating
  EpollScheduler& home_;
};

class EpollScheduler final : public boost::fibers::algo::algorithm {
 public:
  // Exits with one line on standard error if the process has no descriptors for it.
  EpollScheduler();
  ~EpollScheduler() override;

  // From now on this schedules the calling thread's fibers. The owner keeps a reference of its own.
  void install();
  // The scheduler that was installed on the calling thread, or null.
  static EpollScheduler* here();

  // Registers a socket once, edge-triggered, until it is closed. False if the kernel has no memory for it.
  bool watch(int descriptor, Sleeper& sleeper);

  // Called on this thread: after notify(), and for a sleeper that was woken and has no fiber.
  std::function<void()> on_notified;
  std::function<void(Sleeper&)> on_woken_without_fiber;

  // What Boost.Fiber asks of an algorithm.
  void awakened(boost::fibers::context* fiber) noexcept override;
  boost::fibers::context* pick_next() noexcept override;
  bool has_ready_fibers() const noexcept override { return !ready_.empty(); }
  void suspend_until(const Clock::time_point& until) noexcept override;
  // From any thread: ends epoll_wait().
  void notify() noexcept override;

 private:
  friend class Sleeper;

  void take_events(int timeout_milliseconds);
  void expire_all();

  int epoll_;
  int notifications_;  // an eventfd
  boost::fibers::scheduler::ready_queue_type ready_;
  Deadlines deadlines_;
  unsigned picks_ = 0;             // since the last epoll_wait()
  bool dispatcher_picks_ = false;  // the next call of pick_next() is by Boost.Fiber's dispatcher
  std::array<epoll_event, 512> events_;
};

}  // namespace comet::fibers
