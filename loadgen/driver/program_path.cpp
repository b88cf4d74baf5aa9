// The search path: see program_path.hpp.
#include "loadgen/driver/program_path.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace comet::loadgen {

namespace fs = std::filesystem;

void look_up_first_in(const fs::path& folder) {
  const char* path = std::getenv("PATH");
  const std::string folders = fs::absolute(folder).string() + (path ? std::string(":") + path : "");
  if (setenv("PATH", folders.c_str(), 1) != 0) throw std::runtime_error("PATH cannot be set");
}

}  // namespace comet::loadgen
