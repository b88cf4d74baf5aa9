// Model: fibers. The command line, then the server until it is drained.
// Owner of a connection: nothing here.
// Runs on: the main thread, which is the first that runs fibers.
// Wakes a held request: nothing here.
#include <CLI/CLI.hpp>

#include "core/number_options.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/fibers/server.hpp"

int main(int argc, char** argv) {
  using namespace comet;
  core::Options options;
  fibers::FiberOptions fiber_options;
  CLI::App app("The long-poll server with a fiber per connection and a room fiber (Boost.Fiber).",
               "comet-fibers");
  core::add_shared_options(app, options);
  app.add_option("--threads", fiber_options.threads,
                 "threads that run fibers, each with connections of its own")
      ->capture_default_str()
      ->check(core::whole_number(1, 256));
  app.add_option("--stack-size", fiber_options.stack_size, "bytes of address space for a fiber's stack")
      ->capture_default_str()
      ->check(core::whole_number(16384, 67108864));
  app.add_flag("--hibernate", fiber_options.hibernate,
               "give the stack back while a request is held and between requests");
  core::parse_or_exit(app, argc, argv);

  common::prepare_process();
  common::keep_memory_reserve();
  fibers::Server server(options, fiber_options);
  server.run();
}
