// For the tests of the fibers pattern: a thread whose fibers an EpollScheduler runs.
#pragma once

#include <boost/fiber/fiber.hpp>
#include <boost/intrusive_ptr.hpp>
#include <functional>
#include <thread>

#include "patterns/fibers/epoll_scheduler.hpp"
#include "patterns/fibers/mailbox.hpp"

namespace comet::fibers {

struct TestThread {
  boost::intrusive_ptr<EpollScheduler> scheduler{new EpollScheduler};
  Inbox inbox{*scheduler};

  // Runs `test` there; it may start fibers, and must see them end.
  std::thread start(std::function<void()> test) {
    return std::thread([this, test = std::move(test)] {
      scheduler->install();
      test();
    });
  }
  void run(std::function<void()> test) { start(std::move(test)).join(); }
};

}  // namespace comet::fibers
