// Model: one thread per connection. The command line, then the server until it is drained.
// Owner of a connection: nothing here.
// Runs on: the main thread, which accepts.
// Wakes a held request: nothing here.
#include <CLI/CLI.hpp>

#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/threaded/server.hpp"
#include "patterns/threaded/thread_settings.hpp"

int main(int argc, char** argv) {
  comet::Options options;
  comet::ThreadOptions threads;
  CLI::App app("The long-poll server as one thread per connection.", "comet-threaded");
  comet::add_shared_options(app, options);
  app.add_option("--threads", threads.most, "most connection threads; the last free one never holds")
      ->check(CLI::Range(2, 4000000))
      ->capture_default_str();
  app.add_option("--stack-size", threads.stack_size, "address space of one thread's stack in bytes")
      ->check(CLI::Range(comet::kSmallestStack, std::size_t{1} << 30))
      ->capture_default_str();
  comet::parse_or_exit(app, argc, argv);

  comet::shrink_thread_storage(argv);
  comet::prepare_process();
  comet::keep_memory_reserve();
  comet::grow_futex_table(threads.most);
  comet::let_wakers_go_on();
  comet::Server server(options, threads);
  server.run();
}
