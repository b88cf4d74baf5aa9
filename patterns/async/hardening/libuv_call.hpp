// Model: asynchronous event loop. The check of the calls that set libuv up.
// Owner of a connection: not this file.
// Runs on: the loop's thread.
// Wakes a held request: nothing here.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "patterns/common/startup.hpp"

namespace comet::async {
using namespace core;
using namespace common;

// For libuv calls that fail only if the process cannot run at all.
inline void require(int result, const char* what) {
  if (result < 0) fail(what, -result);
}

// Before any other call of libuv: it then takes memory from the reserve before it gives up, and says why
// it abort()s.
void prepare_libuv();

}  // namespace comet::async
