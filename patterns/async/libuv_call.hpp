// Model: asynchronous event loop. The check of calls that set it up.
// Owner of a connection: not this file.
// Runs on: the loop's thread.
// Wakes a held request: nothing here.
#pragma once

#include "patterns/common/startup.hpp"

namespace comet {

// For libuv calls that fail only where the process cannot run at all.
inline void require(int result, const char* what) {
  if (result < 0) fail(what, -result);
}

}  // namespace comet
