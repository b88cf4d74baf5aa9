// Model: asynchronous event loop. The command line, then the server until it is drained.
// Owner of a connection: nothing here.
// Runs on: the main thread, which is the loop's.
// Wakes a held request: nothing here.
#include "core/options.hpp"
#include "patterns/async/server.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"

int main(int argc, char** argv) {
  using namespace comet;
  core::Options options;
  core::CommandLine line("The long-poll server as one event loop on one thread (libuv).", "comet-async");
  core::add_shared_options(line, options);
  line.parse_or_exit(argc, argv);

  common::prepare_process();
  common::keep_memory_reserve();
  async::Server server(options);
  server.run();
}
