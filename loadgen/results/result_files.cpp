// Result files: see result_files.hpp.
#include "loadgen/results/result_files.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>

#include "loadgen/errors.hpp"

namespace comet::loadgen {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

std::vector<fs::path> items_of(const fs::path& folder) {
  std::vector<fs::path> items;
  std::error_code error;
  for (fs::directory_iterator item(folder, error), end; !error && item != end; item.increment(error))
    items.push_back(item->path());
  if (error) throw std::runtime_error("cannot read " + folder.string() + ": " + error.message());
  return items;
}

bool is_folder(const fs::path& path) {
  std::error_code unknown;  // reading it will report the error
  return fs::is_directory(path, unknown);
}

}  // namespace

std::vector<fs::path> result_paths(const std::vector<fs::path>& runs) {
  std::vector<fs::path> paths;
  const auto add_file = [&paths](const fs::path& path) {
    if (path.extension() == ".json") paths.push_back(path);
  };
  for (const fs::path& run : runs) {
    std::error_code error;
    if (!fs::exists(run, error))
      throw UsageError(run.string() + (error ? ": " + error.message() : " is not there") +
                       ": name a folder of results/runs");
    const std::size_t before = paths.size();
    if (!is_folder(run)) paths.push_back(run);
    for (const fs::path& item : is_folder(run) ? items_of(run) : std::vector<fs::path>()) {
      if (is_folder(item))
        for (const fs::path& inner : items_of(item)) add_file(inner);
      else
        add_file(item);
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
  std::error_code error;
  const auto size = fs::file_size(path, error);  // an error unless it is a regular file
  if (error) throw std::runtime_error("cannot read " + path.string() + ": " + error.message());
  std::string text(size, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(size)))
    throw std::runtime_error(system_error_text("cannot read " + path.string()));
  return text;
}

std::optional<double> number_at(const json::value& value, std::string_view pointer) {
  json::error_code missing;
  const json::value* found = value.find_pointer(pointer, missing);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->to_number<double>();
}

std::string text_at(const json::value& value, std::string_view pointer) {
  json::error_code missing;
  const json::value* found = value.find_pointer(pointer, missing);
  return found == nullptr || !found->is_string() ? std::string() : std::string(found->get_string());
}

bool flag_at(const json::value& value, std::string_view pointer) {
  json::error_code missing;
  const json::value* found = value.find_pointer(pointer, missing);
  return found != nullptr && found->is_bool() && found->get_bool();
}

const json::array& array_at(const json::value& value, std::string_view pointer) {
  static const json::array kNone;
  json::error_code missing;
  const json::value* found = value.find_pointer(pointer, missing);
  return found == nullptr || !found->is_array() ? kNone : found->get_array();
}

}  // namespace comet::loadgen
