// Model: prefork. The command line, then the master and its workers until they are drained.
// Owner of a connection: nothing here.
// Runs on: the master, before its first fork.
// Wakes a held request: nothing here.
#include <stdexcept>
#include <string>

#include "core/options.hpp"
#include "core/whole_number.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/prefork/server.hpp"

namespace comet::prefork {
namespace {

constexpr std::size_t kFewestWorkers = 2;  // the last free one never holds a request
constexpr std::size_t kMostWorkers = 100000;
constexpr std::size_t kMostRequests = 1000000000;

// N or LEAST:MOST.
void read_workers(const std::string& text, PoolOptions& pool) {
  const auto bad = [&text](const std::string& why) -> std::size_t {
    throw std::invalid_argument("'" + text + "' " + why);
  };
  const auto number = [&bad](std::string_view digits) -> std::size_t {
    const auto value = core::parse_whole_number(digits);
    return value ? *value : bad("is neither a number such as 20 nor a range such as 5:30");
  };
  const auto colon = text.find(':');
  pool.least = number(std::string_view(text).substr(0, colon));
  pool.most = colon == std::string::npos ? pool.least : number(std::string_view(text).substr(colon + 1));
  if (pool.least == 0) bad("begins below 1; the pool keeps at least one worker");
  if (pool.most < pool.least) bad("ends below its beginning; write the smaller number first");
  if (pool.most < kFewestWorkers)
    bad("is too few: the last free worker never holds a request, so use 2 or more");
  if (pool.most > kMostWorkers) bad("is too many; use at most " + std::to_string(kMostWorkers));
}

}  // namespace
}  // namespace comet::prefork

int main(int argc, char** argv) {
  using namespace comet;
  core::Options options;
  prefork::PoolOptions pool;
  {
    core::CommandLine line("The long-poll server as a pool of processes with one connection each.",
                           "comet-prefork");
    core::add_shared_options(line, options);
    const auto take_workers = [&pool](const std::string& text) { prefork::read_workers(text, pool); };
    line.add_text("--workers", take_workers, "N|LEAST:MOST", "5:30",
                  "number of worker processes, or LEAST:MOST to follow the load");
    line.add_number("--max-requests", pool.max_requests, 0, prefork::kMostRequests,
                    "requests after which a worker is replaced, 0: never");
    line.parse_or_exit(argc, argv);
  }

  common::prepare_process();
  prefork::Server server(options, pool);
  server.run();
}
