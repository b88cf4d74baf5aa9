// How much the server takes on, so that nothing runs out under it and a publisher always gets in.
#pragma once

#include <cstddef>

#include "core/options.hpp"

namespace comet::fibers {
using namespace core;

struct FiberOptions;
struct FiberThread;

// Connections beyond these are answered 503.
std::size_t most_connections(const FiberOptions& options);
// Requests beyond these are not held.
std::size_t most_held(const Options& shared, const FiberOptions& options);
// Whether one more request of this thread may be held. A held request keeps its fiber, so a thread's last few
// free fibers are never used to hold: they are for publishers.
bool may_hold(FiberThread& thread);

}  // namespace comet::fibers
