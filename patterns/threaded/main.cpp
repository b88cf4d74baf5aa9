// Model: one thread per connection. The command line, then the server until it is drained.
// Owner of a connection: nothing here.
// Runs on: the main thread, which accepts.
// Wakes a held request: nothing here.
#include <CLI/CLI.hpp>

#include "core/number_options.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/threaded/footprint/thread_settings.hpp"
#include "patterns/threaded/server.hpp"

int main(int argc, char** argv) {
  using namespace comet;
  core::Options options;
  threaded::ThreadOptions threads;
  CLI::App app("The long-poll server as one thread per connection.", "comet-threaded");
  core::add_shared_options(app, options);
  app.add_option("--threads", threads.most, "most connection threads; the last free one never holds")
      ->check(core::whole_number(2, 4000000))
      ->capture_default_str();
  app.add_option("--stack-size", threads.stack_size, "address space of one thread's stack in bytes")
      ->check(core::whole_number(threaded::kSmallestStack, std::size_t{1} << 30))
      ->capture_default_str();
  core::parse_or_exit(app, argc, argv);

  common::prepare_process();
  common::keep_memory_reserve();
  threaded::grow_futex_table(threads.most);
  threaded::let_wakers_go_on();
  threaded::Server server(options, threads);
  server.run();
}
