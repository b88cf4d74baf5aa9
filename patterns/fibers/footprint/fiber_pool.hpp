// Model: fibers. Fibers for new connections, and for those woken from hibernation: each fiber serves one
// connection after another, so that stacks are used again and few connections need many.
// Owner of a connection: the fiber that serves it, until it ends or hibernates.
// Runs on: its scheduler's thread.
// Wakes a held request: run(), if it hibernates. A parked fiber is woken by its Sleeper.
#pragma once

#include <boost/fiber/context.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "patterns/fibers/epoll_scheduler.hpp"

namespace comet::fibers {

class FiberPool {
 public:
  // `serve` runs on a fiber for each sleeper given to run(). `stack_size` is in bytes, with a guard
  // page besides.
  FiberPool(EpollScheduler& scheduler, std::size_t stack_size, std::function<void(Sleeper&)> serve)
      : stack_size_(stack_size), serve_(std::move(serve)), next_try_(scheduler) {
    idle_.reserve(kMostIdle);
  }

  // Some fiber calls `serve` for the sleeper, soon, in the order of the calls. The sleeper must
  // live until then.
  void run(Sleeper& sleeper);
  // True once fibers are there for the next `count` calls of run(). False: there is no memory for a stack, or
  // the process has all the mappings that vm.max_map_count allows (two for each stack). Then run() waits
  // until a fiber is free or there is memory again.
  bool prepare_fibers(std::size_t count);
  // Fibers that serve nobody end now, the others as soon as they are free.
  void stop();

 private:
  // At most this many fibers without work are kept, with the pages that their stacks have touched.
  static constexpr std::size_t kMostIdle = 64;

  void find_fiber();
  void serve_all();

  const std::size_t stack_size_;
  const std::function<void(Sleeper&)> serve_;
  std::deque<Sleeper*> waiting_;               // given to run(), and no fiber has taken them yet
  std::vector<boost::fibers::context*> idle_;  // parked, the one used last at the end
  std::size_t free_fibers_ = 0;                // idle, or on their way to the next sleeper
  Sleeper next_try_;  // its deadline is set while a sleeper waits and there was no memory for a stack
  bool stopped_ = false;
};

}  // namespace comet::fibers
