// Model: fibers. The command line, then the server until it is drained.
// Owner of a connection: nothing here.
// Runs on: the main thread, which is the first that runs fibers.
// Wakes a held request: nothing here.
#include "core/options.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/fibers/server.hpp"

int main(int argc, char** argv) {
  using namespace comet;
  core::Options options;
  fibers::FiberOptions fiber_options;
  core::CommandLine line("The long-poll server with a fiber per connection and a room fiber (Boost.Fiber).",
                         "comet-fibers");
  core::add_shared_options(line, options);
  line.add_number("--threads", fiber_options.threads, 1, 256,
                  "threads that run fibers, each with connections of its own");
  line.add_number("--stack-size", fiber_options.stack_size, 16384, 67108864,
                  "bytes of address space for a fiber's stack");
  line.add_flag("--hibernate", fiber_options.hibernate,
                "give the stack back while a request is held and between requests");
  line.parse_or_exit(argc, argv);

  common::prepare_process();
  common::keep_memory_reserve();
  fibers::Server server(options, fiber_options);
  server.run();
}
