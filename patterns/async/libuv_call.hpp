// Model: asynchronous event loop. The check of calls that set it up, and what to say where libuv checks itself.
// Owner of a connection: not this file.
// Runs on: the loop's thread.
// Wakes a held request: nothing here.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>

#include "patterns/common/startup.hpp"

namespace comet::async {
using namespace core;
using namespace common;

// For libuv calls that fail only where the process cannot run at all.
inline void require(int result, const char* what) {
  if (result < 0) fail(what, -result);
}

// libuv abort()s where the system refuses what it needs at the start: descriptors, the threads of its pool.
inline void say_why_libuv_aborts() {
  const auto on_abort = [](int) {
    constexpr std::string_view kWhy =
        "comet-async: starting libuv failed; raise the limit of open files (ulimit -n) or use fewer "
        "--publish-work-threads\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kWhy.data(), kWhy.size());
    _exit(1);
  };
  if (std::signal(SIGABRT, on_abort) == SIG_ERR) fail("signal", errno);
}

}  // namespace comet::async
