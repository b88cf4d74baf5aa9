// The project's folder: see project_root.hpp.
#include "loadgen/project_root.hpp"

#include "loadgen/errors.hpp"

namespace comet::loadgen {
namespace {

namespace fs = std::filesystem;

// A build folder has patterns/ too, but no scenarios.
fs::path find_upwards(fs::path folder) {
  for (;; folder = folder.parent_path()) {
    if (fs::is_directory(folder / "patterns") && fs::is_directory(scenario_folder(folder))) return folder;
    if (folder == folder.parent_path()) return {};
  }
}

}  // namespace

fs::path program_folder() { return fs::read_symlink("/proc/self/exe").parent_path(); }

fs::path find_project_root() {
  const fs::path root = find_upwards(fs::current_path());
  return root.empty() ? find_upwards(program_folder()) : root;
}

fs::path project_root(const fs::path& named) {
  if (!named.empty()) return named;
  fs::path root = find_project_root();
  if (root.empty())
    throw UsageError(
        "no folder with patterns/ found upwards from here: name the project's folder with --root");
  return root;
}

fs::path scenario_folder(const fs::path& root) { return root / "loadgen" / "scenarios"; }

}  // namespace comet::loadgen
