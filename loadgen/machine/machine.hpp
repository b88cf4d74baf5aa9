// On which machine and from which commit a run was made. It is recorded in every result.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace comet::loadgen {

// CPU, cores, memory, kernel, limits, and the kernel settings that limit connections and processes. What
// cannot be read is null.
boost::json::object machine_facts();

// When and how a run was started, its commit and its machine.
boost::json::object run_facts(const std::vector<std::string>& command_line,
                              const std::filesystem::path& root);

// The commit of `root`, with "-changed" if a tracked file differs from it; empty if `root` is no
// git checkout.
std::string commit_of(const std::filesystem::path& root);

// Now, UTC, as 2026-01-31T12:00:00Z.
std::string utc_now();

// "nginx 1.22.1-9, libnginx-mod-nchan 1:1.3.6": the installed versions. Packages that are not installed
// are left out.
std::string package_versions(const std::vector<std::string>& packages);

}  // namespace comet::loadgen
