// Where the project's files are: entries, scenarios, results.
#pragma once

#include <filesystem>

namespace comet::loadgen {

// The folder of this program's file.
std::filesystem::path program_folder();

// The project's folder: the nearest one upwards from the working directory, or else from this program, that
// has entries and scenarios. Empty if there is none.
std::filesystem::path find_project_root();

// `named` if it is not empty, else find_project_root(). Throws UsageError if that finds none.
std::filesystem::path project_root(const std::filesystem::path& named);

// The folder of `root` that has the scenario files.
std::filesystem::path scenario_folder(const std::filesystem::path& root);

}  // namespace comet::loadgen
