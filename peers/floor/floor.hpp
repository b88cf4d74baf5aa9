// What both floors share: the few requests that they understand, the answers, and the start. No parser: a
// request must arrive in one read and be one of those in README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace comet::floor {

struct Request {
  enum class Kind { subscribe, publish, stats, unknown };
  Kind kind = Kind::unknown;
  std::string_view message;  // of a publish; points into the input
};

Request read_request(std::string_view input);

// Headers and so byte counts are those of the five servers' answers.
struct Published {
  std::string message;  // to each subscriber
  std::string answer;   // to the publisher
};
Published encode_publish(std::string_view message, std::size_t receivers);
std::string encode_unknown();

struct Stats {
  std::int64_t connections = 0;
  std::int64_t held = 0;
  std::int64_t published = 0;
  std::int64_t delivered = 0;
};
std::string encode_stats(const Stats& stats);

struct Options {
  std::string program;
  std::string address = "127.0.0.1";
  int port = 8000;
  int threads = 1;
};

// Parses the command line; on --help prints and exits 0, on a mistake prints one line and exits 64.
Options read_options(int argc, char** argv, const std::string& program, const std::string& about);

// Prints "PROGRAM: WHAT: why" and exits 1. `error_number` is an errno.
[[noreturn]] void fail(const std::string& what, int error_number);

// Before any thread: raises the soft limit of open files to the hard one, and blocks SIGTERM and SIGINT.
// Returns a descriptor that is readable once one of them has come.
int prepare_process();

// A listening socket, not blocking, one for each thread of a program (SO_REUSEPORT). Exits with one line if
// it cannot listen. `port` 0 takes a free one; on return it is the port that was bound.
int open_listener(const Options& options, int& port);

void announce_ready(int port);

// Runs a Loop(listener, stop) in each thread by loop.run(loops). `loops` are those of all threads.
template <class Loop>
void run_loops(const Options& options) {
  const int stop = prepare_process();
  std::vector<std::unique_ptr<Loop>> loops;
  int port = options.port;
  for (int i = 0; i < options.threads; ++i) {
    loops.push_back(std::make_unique<Loop>(open_listener(options, port), stop));
  }
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < loops.size(); ++i) others.emplace_back([&, i] { loops[i]->run(loops); });
  announce_ready(port);
  loops.front()->run(loops);
}

}  // namespace comet::floor
