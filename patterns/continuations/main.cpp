// Model: a pool of threads over one Asio loop. The command line, then the server until it is drained.
// Owner of a connection: nothing here.
// Runs on: the main thread, which is one of the pool.
// Wakes a held request: nothing here.
#include <algorithm>
#include <map>
#include <string>
#include <thread>

#include "core/options.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/continuations/server.hpp"

int main(int argc, char** argv) {
  using namespace comet;
  core::Options options;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  std::string resume = "redispatch";
  const std::map<std::string, continuations::ResumeStyle> styles{
      {"redispatch", continuations::ResumeStyle::redispatch},
      {"direct", continuations::ResumeStyle::direct},
      {"stackful", continuations::ResumeStyle::stackful},
      {"coroutine", continuations::ResumeStyle::coroutine}};
  core::CommandLine line("The long-poll server as a pool of threads and suspended requests (Boost.Asio).",
                         "comet-continuations");
  core::add_shared_options(line, options);
  line.add_number("--threads", threads, 1, 1024, "threads of the pool");
  line.add_choice("--resume", resume, {"redispatch", "direct", "stackful", "coroutine"},
                  "how a held request goes on");
  line.parse_or_exit(argc, argv);

  common::prepare_process();
  common::keep_memory_reserve();
  continuations::Server server(options, threads, styles.at(resume));
  server.run();
}
