// The results page: one HTML file that needs no network.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace comet::loadgen {

// results/page/template.html with every {{NAME}} replaced: by `data`, by the chart library of this machine,
// or by the file NAME of the same folder. Throws UsageError if the library is not installed.
std::string page(const std::filesystem::path& sources, const boost::json::object& data);

}  // namespace comet::loadgen
