// Model: a pool of threads over one Asio loop. The command line, then the server until it is drained.
// Owner of a connection: nothing here.
// Runs on: the main thread, which is one of the pool.
// Wakes a held request: nothing here.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string>
#include <thread>

#include "core/number_options.hpp"
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
  CLI::App app("The long-poll server as a pool of threads and suspended requests (Boost.Asio).",
               "comet-continuations");
  core::add_shared_options(app, options);
  app.add_option("--threads", threads, "threads of the pool")
      ->check(core::whole_number(1, 1024))
      ->capture_default_str();
  app.add_option("--resume", resume, "how a held request goes on: redispatch, direct, stackful or coroutine")
      ->check(CLI::IsMember(styles))
      ->capture_default_str();
  core::parse_or_exit(app, argc, argv);

  common::prepare_process();
  common::keep_memory_reserve();
  continuations::Server server(options, threads, styles.at(resume));
  server.run();
}
