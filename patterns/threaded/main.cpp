// Model: one thread per connection. The command line, then the server until it is drained.
// Owner of a connection: nothing here.
// Runs on: the main thread, which accepts.
// Wakes a held request: nothing here.
#include "core/options.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/threaded/footprint/thread_settings.hpp"
#include "patterns/threaded/server.hpp"

int main(int argc, char** argv) {
  using namespace comet;
  core::Options options;
  threaded::ThreadOptions threads;
  core::CommandLine line("The long-poll server as one thread per connection.", "comet-threaded");
  core::add_shared_options(line, options);
  line.add_number("--threads", threads.most, 2, 4000000,
                  "most connection threads; the last free one never holds");
  line.add_number("--stack-size", threads.stack_size, threaded::kSmallestStack, std::size_t{1} << 30,
                  "address space of one thread's stack in bytes");
  line.parse_or_exit(argc, argv);

  common::prepare_process();
  common::keep_memory_reserve();
  threaded::grow_futex_table(threads.most);
  threaded::let_wakers_go_on();
  threaded::Server server(options, threads);
  server.run();
}
