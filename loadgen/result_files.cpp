// Result files: see result_files.hpp.
#include "loadgen/result_files.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "loadgen/errors.hpp"

namespace comet {

namespace fs = std::filesystem;
namespace json = boost::json;

std::vector<fs::path> result_paths(const std::vector<fs::path>& runs) {
  std::vector<fs::path> paths;
  for (const fs::path& run : runs) {
    if (!fs::exists(run)) throw UsageError(run.string() + " is not there: name a folder of results/runs");
    const std::size_t before = paths.size();
    if (!fs::is_directory(run)) {
      paths.push_back(run);
    } else {
      for (const auto& item : fs::directory_iterator(run))
        if (item.path().extension() == ".json") paths.push_back(item.path());
    }
    if (paths.size() == before)
      throw UsageError(run.string() + " has no result files: name a folder of results/runs");
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

fs::path latest_run(const fs::path& folder) {
  std::vector<fs::path> runs;
  if (fs::is_directory(folder))
    for (const auto& item : fs::directory_iterator(folder))
      if (item.is_directory()) runs.push_back(item.path());
  if (runs.empty()) throw UsageError("no run in " + folder.string() + ": comet-loadgen bench makes one");
  return *std::max_element(runs.begin(), runs.end());  // a run's name is its start time
}

std::string file_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad())
    throw std::runtime_error(system_error_text("cannot read " + path.string()));
  return text;
}

std::optional<double> number_at(const json::value& value, const std::string& pointer) {
  json::error_code missing;
  const json::value* found = value.find_pointer(pointer, missing);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->to_number<double>();
}

std::string text_at(const json::value& value, const std::string& pointer) {
  json::error_code missing;
  const json::value* found = value.find_pointer(pointer, missing);
  return found == nullptr || !found->is_string() ? std::string() : std::string(found->get_string());
}

const json::array& array_at(const json::value& value, const std::string& pointer) {
  static const json::array kNone;
  json::error_code missing;
  const json::value* found = value.find_pointer(pointer, missing);
  return found == nullptr || !found->is_array() ? kNone : found->get_array();
}

}  // namespace comet
