// Model: fibers. Fibers for new connections and for those woken from hibernation, one after another.
// Owner of a connection: the fiber that serves it, to its end or to where it hibernates.
// Runs on: its scheduler's thread.
// Wakes a held request: run(), where it hibernates; a parked fiber is woken by its Sleeper.
#pragma once

#include <boost/fiber/context.hpp>
#include <cstddef>
#include <functional>
#include <vector>

#include "patterns/fibers/epoll_scheduler.hpp"

namespace comet::fibers {

class FiberPool {
 public:
  // `serve` runs on a fiber for each sleeper given to run(); `stack_size` in bytes, one guard page besides.
  FiberPool(EpollScheduler& scheduler, std::size_t stack_size, std::function<void(Sleeper&)> serve)
      : stack_size_(stack_size), serve_(std::move(serve)), next_try_(scheduler) {
    idle_.reserve(kMostIdle);
  }

  // Some fiber calls `serve` for the sleeper, soon, in the order of the calls. It must live until then.
  void run(Sleeper& sleeper);
  // True where fibers are there for the next `count` run(). False: no memory for a stack (or vm.max_map_count is
  // reached, at two mappings per stack), and run() waits until another fiber is free or there is memory again.
  bool prepare_fibers(std::size_t count);
  // Fibers that serve nothing end now; the others as soon as they are free.
  void stop();

 private:
  // So many fibers without work are kept, with the pages that their stacks have touched.
  static constexpr std::size_t kMostIdle = 64;

  void find_fiber();
  void serve_all();

  const std::size_t stack_size_;
  const std::function<void(Sleeper&)> serve_;
  boost::intrusive::list<Sleeper, boost::intrusive::base_hook<WithoutFiberHook>> waiting_;
  std::vector<boost::fibers::context*> idle_;  // parked, the one used last at the end
  std::size_t free_ = 0;                       // idle, or on their way to the next sleeper
  Sleeper next_try_;  // its deadline is set while somebody waits and no stack was to be had
  bool stopped_ = false;
};

}  // namespace comet::fibers
