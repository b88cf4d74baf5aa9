// Entries: the servers that the suite can run. An entry is read from a manifest, ROOT/*/*/pattern.json;
// a manifest with variants gives one entry for each variant.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace comet::test {

struct Entry {
  std::string name;
  std::filesystem::path folder;       // working directory of the process
  std::vector<std::string> command;   // variant's options included, placeholders not yet filled in
  std::vector<std::string> capacity;  // options that set how many connections the server is built for
};

// The entry called `name`. Throws std::runtime_error naming the known entries, or the manifest that cannot be
// read.
Entry find_entry(const std::filesystem::path& root, const std::string& name);

struct CommandValues {
  std::string address = "127.0.0.1";
  std::string port = "0";
  int connections = 64;              // {capacity}: simultaneous connections wanted
  std::vector<std::string> options;  // appended as they are
};

// The argument vector of one run, its first word still a bare program name.
std::vector<std::string> command_line(const Entry& entry, const CommandValues& values);

// Full path of `program`: in `bin_dir` if it is there, else in PATH. Throws std::runtime_error if in neither.
std::filesystem::path find_program(const std::filesystem::path& bin_dir, const std::string& program);

}  // namespace comet::test
