// Model: fibers. One thread's scheduler: runs what is ready, first in first out, or sleeps in epoll_wait().
// Owner of a connection: its fiber; a Sleeper is what a fiber, or a hibernating connection, waits by.
// Runs on: the one thread that install()s it; only notify() is for other threads.
// Wakes a held request: wake() on its Sleeper, for an event, at its deadline, and with a letter. Nothing
// ticks.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <boost/fiber/algo/algorithm.hpp>
#include <boost/fiber/context.hpp>
#include <boost/fiber/scheduler.hpp>
#include <boost/intrusive/list.hpp>
#include <functional>

#include "core/deadlines.hpp"
#include "core/options.hpp"

namespace comet::fibers {
using namespace core;

class EpollScheduler;

struct WithoutFiber;  // tag of the hook by which a woken sleeper waits for a fiber
using WithoutFiberHook = boost::intrusive::list_base_hook<boost::intrusive::tag<WithoutFiber>>;

// What one fiber waits by. Belongs to one thread. Whatever happens to it, an event, the end of its deadline
// or wake(), ends its wait: the fiber then looks what it was, and waits again where it was nothing for it.
class Sleeper : public Deadline, public WithoutFiberHook {
 public:
  explicit Sleeper(EpollScheduler& home) : home_(home) {}
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  // The wait is over at the latest `after` from now, replacing what was set before; at once where there is no
  // memory for that.
  void set_deadline(Milliseconds after);
  bool expired() const { return expired_; }

  // Suspends the calling fiber until wake().
  void park();
  // The calling fiber is going to end: wake() will ask FiberPool for another.
  void hibernate() { asleep_ = true; }
  bool hibernates() const { return asleep_; }  // asked by a running fiber, which itself is not asleep
  void wake();

  // Of the watched socket. Set by each event, cleared by whoever finds that the socket has no more.
  bool readable = false;
  bool writable = false;
  bool hung_up = false;  // nothing will come any more behind what is still to be read

 private:
  friend class EpollScheduler;

  bool expired_ = false;
  bool asleep_ = false;
  boost::fibers::context* fiber_ = nullptr;  // the parked fiber; null while hibernating
  EpollScheduler& home_;
};

class EpollScheduler final : public boost::fibers::algo::algorithm {
 public:
  // Exits with one line on standard error where the process has no descriptors for it.
  EpollScheduler();
  ~EpollScheduler() override;

  // From now on this schedules the calling thread's fibers. The owner keeps a reference of its own.
  void install();
  // The scheduler that was installed on the calling thread, or null.
  static EpollScheduler* here();

  // Registers a socket once, edge-triggered, until it is closed. False where the kernel has no memory for it.
  bool watch(int descriptor, Sleeper& sleeper);

  // Called on this thread after notify(), and for a sleeper that was woken and has no fiber.
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
