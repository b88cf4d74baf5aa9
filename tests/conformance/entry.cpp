// Reads manifests with Boost.JSON and fills in their placeholders.
#include "tests/conformance/entry.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace comet::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::vector<fs::path> find_manifests(const fs::path& root) {
  std::vector<fs::path> manifests;
  for (const auto& group : fs::directory_iterator(root)) {
    if (!group.is_directory()) continue;
    for (const auto& folder : fs::directory_iterator(group)) {
      if (fs::exists(folder.path() / "pattern.json")) manifests.push_back(folder.path() / "pattern.json");
    }
  }
  std::sort(manifests.begin(), manifests.end());
  return manifests;
}

void append_strings(std::vector<std::string>& words, const json::object& object, const char* key) {
  if (const json::value* list = object.if_contains(key)) {
    for (const json::value& word : list->as_array()) words.emplace_back(word.as_string());
  }
}

std::vector<Entry> read_manifest(const fs::path& manifest) {
  std::ifstream file(manifest);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const json::value parsed = json::parse(text);
  const json::object& object = parsed.as_object();
  Entry base{std::string(object.at("name").as_string()), fs::absolute(manifest.parent_path()), {}, {}};
  append_strings(base.command, object, "command");
  append_strings(base.capacity, object, "capacity");
  if (base.command.empty()) throw std::runtime_error("\"command\" is empty");
  const json::value* variants = object.if_contains("variants");
  if (!variants) return {base};
  std::vector<Entry> entries;
  for (const json::value& variant : variants->as_array()) {
    Entry entry = base;
    entry.name = std::string(variant.as_object().at("name").as_string());
    append_strings(entry.command, variant.as_object(), "options");
    entries.push_back(entry);
  }
  return entries;
}

std::string replaced(std::string word, const std::string& placeholder, const std::string& value) {
  for (auto at = word.find(placeholder); at != std::string::npos;
       at = word.find(placeholder, at + value.size())) {
    word.replace(at, placeholder.size(), value);
  }
  return word;
}

}  // namespace

Entry find_entry(const fs::path& root, const std::string& name) {
  std::string known;
  for (const fs::path& manifest : find_manifests(root)) {
    try {
      for (const Entry& entry : read_manifest(manifest)) {
        if (entry.name == name) return entry;
        known += " " + entry.name;
      }
    } catch (const std::exception& error) {
      throw std::runtime_error(manifest.string() + ": not a manifest: " + error.what());
    }
  }
  throw std::runtime_error("no entry '" + name + "' under " + root.string() + "; use one of:" + known);
}

std::vector<std::string> command_line(const Entry& entry, const CommandValues& values) {
  std::vector<std::string> words = entry.command;
  words.insert(words.end(), entry.capacity.begin(), entry.capacity.end());
  for (std::string& word : words) {
    word = replaced(word, "{address}", values.address);
    word = replaced(word, "{port}", values.port);
    word = replaced(word, "{capacity}", std::to_string(values.connections));
  }
  words.insert(words.end(), values.options.begin(), values.options.end());
  return words;
}

fs::path find_program(const fs::path& bin_dir, const std::string& program) {
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

}  // namespace comet::test
