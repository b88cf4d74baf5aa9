// The load generator as a person runs it: a command line, its two streams, its exit status.
#pragma once

#include <sys/types.h>

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace comet::test {

struct Outcome {
  int status = -1;  // exit status; 128 plus the number of the signal if one ended it
  std::string output, errors;
  bool left_a_child = false;
};

class LoadgenProcess {
 public:
  // Starts `comet-loadgen arguments`, or another program with a path.
  explicit LoadgenProcess(std::vector<std::string> arguments, const std::string& program = LOADGEN_PROGRAM);
  ~LoadgenProcess();
  LoadgenProcess(const LoadgenProcess&) = delete;
  LoadgenProcess& operator=(const LoadgenProcess&) = delete;

  // Waits for its end, and checks that no process of it is left: that would be a child of this process.
  Outcome wait();

 private:
  pid_t pid_ = -1;
  int output_;  // anonymous files
  int errors_;
};

inline Outcome run_loadgen(std::vector<std::string> arguments) {
  return LoadgenProcess(std::move(arguments)).wait();
}

// The last, or only, repeat of `run --json`.
boost::json::object figures_of(const Outcome& outcome);

// A project with one manifest that has this text. It is removed at the end.
class FakeProject {
 public:
  explicit FakeProject(const std::string& manifest);
  ~FakeProject();
  FakeProject(const FakeProject&) = delete;
  FakeProject& operator=(const FakeProject&) = delete;
  const std::filesystem::path& root() const { return root_; }

 private:
  std::filesystem::path root_;
};

}  // namespace comet::test
