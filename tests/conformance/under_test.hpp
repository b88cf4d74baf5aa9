// What the command line chose to test: an entry, its program, and the parts of the contract that
// it is to keep.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "loadgen/driver/manifest.hpp"

namespace comet::test {

struct UnderTest {
  loadgen::Entry entry;           // `keeps` is what --parts says, else what the manifest says
  std::filesystem::path program;  // of its command's first word
};
UnderTest& under_test();

// Whether the entry keeps this part of the contract. A test that needs a part names it in CONTRACT_TEST; this
// is for what a test looks at besides.
inline bool keeps(const std::string& part) { return under_test().entry.keeps_part(part); }

// The program of the entry's command: a path is one from the manifest's folder, a name is looked up in
// `bin_dir` and then in PATH. Throws std::runtime_error if it is not there.
std::filesystem::path find_program(const loadgen::Entry& entry, const std::filesystem::path& bin_dir);

struct CommandValues {
  std::string address = "127.0.0.1";
  std::string port = "0";
  int connections = 64;              // {capacity}: simultaneous connections wanted
  std::vector<std::string> options;  // appended as they are
};

// The argument vector of one run, its first word as the manifest has it.
std::vector<std::string> command_line(const CommandValues& values);

}  // namespace comet::test
