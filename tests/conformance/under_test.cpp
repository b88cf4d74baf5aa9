// From the entry of a manifest to a program and its arguments.
#include "tests/conformance/under_test.hpp"

#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>

namespace comet::test {

namespace fs = std::filesystem;

UnderTest& under_test() {
  static UnderTest chosen;
  return chosen;
}

fs::path find_program(const loadgen::Entry& entry, const fs::path& bin_dir) {
  const std::string& program = entry.command.front();
  if (program.find('/') != std::string::npos) return fs::absolute(entry.folder / program).lexically_normal();
  if (fs::exists(bin_dir / program)) return fs::absolute(bin_dir / program);
  const char* search_path = std::getenv("PATH");
  std::istringstream folders(search_path ? search_path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    fs::path candidate = fs::path(folder) / program;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw std::runtime_error("no program '" + program + "' in " + bin_dir.string() +
                           " or in PATH; build it first");
}

std::vector<std::string> command_line(const CommandValues& values) {
  std::vector<std::string> words = loadgen::entry_command(under_test().entry, values.address, values.port,
                                                          static_cast<std::size_t>(values.connections));
  words.insert(words.end(), values.options.begin(), values.options.end());
  return words;
}

}  // namespace comet::test
