// Model: asynchronous event loop. What happens when memory runs out.
// Owner of a connection: the loop.
// Runs on: the loop's thread.
// Wakes a held request: nothing here; a held client that sends more than there is memory for is answered 503.
#include <csignal>
#include <cstdlib>

#include "patterns/async/hardening/libuv_call.hpp"
#include "patterns/async/server.hpp"
#include "patterns/common/memory_reserve.hpp"

namespace comet::async {
namespace {

// libuv's table of descriptors grows with them, and libuv abort()s if it cannot: it finds the reserve first.
void* reallocate(void* memory, std::size_t size) {
  do {
    if (void* larger = std::realloc(memory, size)) return larger;
  } while (size > 0 && use_memory_reserve());
  return nullptr;
}

// libuv abort()s if the system refuses what it needs at the start: descriptors, the threads of its pool.
void say_why_libuv_aborts(int) {
  constexpr std::string_view kWhy =
      "comet-async: starting libuv failed; raise the limit of open files (ulimit -n) or use fewer "
      "--publish-work-threads\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kWhy.data(), kWhy.size());
  _exit(1);
}

}  // namespace

void prepare_libuv() {
  require(uv_replace_allocator(std::malloc, reallocate, std::calloc, std::free), "uv_replace_allocator");
  if (std::signal(SIGABRT, say_why_libuv_aborts) == SIG_ERR) fail("signal", errno);
}

// The bytes are not taken, so the connection ends with its 503; a held request ends with it.
void Server::refuse_without_memory(Connection& connection, std::string_view bytes) {
  if (connection.phase == Phase::held) end_hold(connection);
  respond(connection, connection.reader.refuse_without_memory(bytes));
}

}  // namespace comet::async
