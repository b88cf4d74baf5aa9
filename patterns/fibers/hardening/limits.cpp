// Limits of descriptors and of stacks: every connection has a fiber and so a stack, unless it hibernates.
#include "patterns/fibers/hardening/limits.hpp"

#include <algorithm>

#include "patterns/common/startup.hpp"
#include "patterns/fibers/fiber_thread.hpp"

namespace comet::fibers {
using namespace common;
namespace {

// This many of a thread's last free fibers are never used to hold.
constexpr std::size_t kSpareFibers = 8;

// Each thread after the first has an epoll, an eventfd and a listening socket of its own.
std::size_t own_descriptors(const FiberOptions& options) { return std::size_t{3} * (options.threads - 1); }

}  // namespace

std::size_t most_connections(const FiberOptions& options) {
  const std::size_t most = connection_limit(own_descriptors(options));
  return options.hibernate ? most : std::min(most, most_stacks());
}

std::size_t most_held(const Options& shared, const FiberOptions& options) {
  const std::size_t most = held_limit(shared, own_descriptors(options));
  return options.hibernate ? most : std::min(most, most_stacks() - kPublishers);
}

bool may_hold(FiberThread& thread) {
  return thread.hibernate || thread.fibers.prepare_fibers(1 + kSpareFibers);
}

}  // namespace comet::fibers
