// Manifests: see manifest.hpp.
#include "loadgen/driver/manifest.hpp"

#include <algorithm>
#include <boost/algorithm/string/join.hpp>
#include <boost/algorithm/string/replace.hpp>
#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <tuple>

#include "loadgen/errors.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

// Of one figure of `held`: times the most that can be asked for it stays far below 2^63.
constexpr std::int64_t kMostHeldCost = 1'000'000'000;
constexpr std::int64_t kMostTimes = 1000;  // of one benchmark in a budget

template <class Words>
std::string join(const Words& words) {
  return boost::algorithm::join(words, ", ");
}

// Reads the members of one object of a manifest; every complaint names the file.
class ManifestObject {
 public:
  ManifestObject(const fs::path& file, const json::value& value) : file_(file), value_(value) {
    if (!value.is_object()) fail("is not an object: start from another folder's pattern.json");
  }

  [[noreturn]] void fail(const std::string& what) const { throw UsageError(file_.string() + ": " + what); }

  void allow_only(const std::set<std::string>& known) const {
    for (const auto& member : value_.get_object()) {
      const std::string key = member.key();
      if (known.count(key) == 0) fail("unknown key '" + key + "': a manifest may have " + join(known));
    }
  }

  const json::value* find(const std::string& key) const { return value_.get_object().if_contains(key); }

  std::string text(const std::string& key) const {
    const json::value* value = find(key);
    if (value == nullptr || !value->is_string() || value->get_string().empty())
      fail("'" + key + "' is missing: give it a text");
    return json::value_to<std::string>(*value);
  }

  std::vector<std::string> texts(const std::string& key) const {
    std::vector<std::string> list;
    const json::value* value = find(key);
    if (value == nullptr) return list;
    if (!value->is_array()) fail("'" + key + "' is no list of texts");
    for (const json::value& item : value->get_array()) {
      if (!item.is_string()) fail("'" + key + "' is no list of texts");
      list.push_back(json::value_to<std::string>(item));
    }
    return list;
  }

  // `or_else` where the key is missing.
  std::int64_t number(const std::string& key, std::int64_t or_else) const {
    const json::value* value = find(key);
    if (value == nullptr) return or_else;
    if (!value->is_int64() || value->get_int64() < 0 || value->get_int64() > kMostHeldCost)
      fail("'" + key + "' is no number from 0 to " + std::to_string(kMostHeldCost));
    return value->get_int64();
  }

 private:
  const fs::path& file_;
  const json::value& value_;
};

void read_keeps(const ManifestObject& manifest, Entry& entry) {
  const json::value* keeps = manifest.find("keeps");
  entry.keeps_all = keeps != nullptr && keeps->is_string() && keeps->get_string() == "all";
  entry.keeps = entry.keeps_all ? contract_parts() : manifest.texts("keeps");
  if (entry.keeps.empty())
    manifest.fail("'keeps' is missing: \"all\" or a list such as [\"subscribe\", \"publish\", \"stats\"]");
  try {
    check_parts(entry.keeps);
  } catch (const UsageError& error) {
    manifest.fail(std::string("'keeps' has an ") + error.what());
  }
}

// Leaves `cost` as it is where the object says nothing.
void read_held(const ManifestObject& object, const fs::path& file, HeldCost& cost) {
  const json::value* value = object.find("held");
  if (value == nullptr) return;
  const ManifestObject held(file, *value);
  held.allow_only({"descriptors", "files", "tasks", "maps", "bytes", "most"});
  cost.descriptors = held.number("descriptors", 1);
  cost.files = held.number("files", 1);
  cost.tasks = held.number("tasks", 0);
  cost.maps = held.number("maps", 0);
  cost.bytes = held.number("bytes", 0);
  cost.most.reset();
  if (held.find("most") != nullptr) cost.most = held.number("most", 0);
}

std::vector<fs::path> subfolders(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;  // what cannot be read holds no entry
  for (const auto& item : fs::directory_iterator(folder, error))
    if (item.is_directory(error) && !item.path().filename().string().starts_with("."))
      found.push_back(item.path());
  return found;
}

std::vector<fs::path> find_manifests(const fs::path& root) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::path& group : subfolders(root))
    for (const fs::path& folder : subfolders(group))
      for (const auto& item : fs::directory_iterator(folder, error)) {
        const std::string name = item.path().filename();
        if (name == "pattern.json" || name.ends_with(".pattern.json")) files.push_back(item.path());
      }
  const auto place = [](const fs::path& file) {  // a folder's pattern.json before its others
    return std::tuple(file.parent_path(), file.filename() != "pattern.json", file.filename());
  };
  std::sort(files.begin(), files.end(), [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return files;
}

// A folder's further manifests (NAME.pattern.json) are measured only by name.
bool is_measured(const Entry& entry) {
  const fs::path group = entry.folder.parent_path().filename();
  return (group == "patterns" || group == "peers") && entry.manifest.filename() == "pattern.json";
}

// Leaves `budget` as it is where the object says nothing.
void read_budget(const ManifestObject& object, Budget& budget) {
  const json::value* value = object.find("budget");
  if (value == nullptr) return;
  budget.mechanisms.clear();
  if (value->is_string()) {
    budget.left_out = object.text("budget");
    return;
  }
  if (!value->is_object())
    object.fail("'budget' is neither a text nor benchmarks with how often each happens");
  for (const auto& [benchmark, times] : value->get_object()) {
    if (!times.is_int64() || times.get_int64() < 1 || times.get_int64() > kMostTimes)
      object.fail("'budget' has no number from 1 to " + std::to_string(kMostTimes) + " for '" +
                  std::string(benchmark) + "'");
    budget.mechanisms.emplace_back(benchmark, times.get_int64());
  }
}

void move_floors_last(std::vector<Entry>& entries) {
  std::stable_partition(entries.begin(), entries.end(),
                        [](const Entry& entry) { return entry.group != "floor"; });
}

std::string names_of(const std::vector<Entry>& entries) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.push_back(entry.name);
  return join(names);
}

std::string group_of(const ManifestObject& manifest, const fs::path& folder) {
  const std::set<std::string> groups{"pattern", "peer", "floor", "student"};
  const fs::path parent = folder.parent_path().filename();
  std::string group = parent == "patterns" ? "pattern" : parent == "peers" ? "peer" : "student";
  if (manifest.find("group") != nullptr) group = manifest.text("group");
  if (!groups.contains(group)) manifest.fail("'group' is none of " + join(groups));
  return group;
}

}  // namespace

const std::vector<std::string>& contract_parts() {
  static const std::vector<std::string> names{
      "subscribe", "publish", "publish-form", "publish-get", "receivers", "channels", "timeout",
      "cursors",   "stats",   "leaving",      "health",      "counters",  "http",     "refusals",
      "slow",      "caps",    "publish-work", "publishers",  "process",   "drain"};
  return names;
}

void check_parts(const std::vector<std::string>& parts) {
  for (const std::string& part : parts)
    if (std::count(contract_parts().begin(), contract_parts().end(), part) == 0)
      throw UsageError("unknown part '" + part + "': use some of " + join(contract_parts()));
}

bool Entry::keeps_part(const std::string& part) const {
  return std::find(keeps.begin(), keeps.end(), part) != keeps.end();
}

std::vector<Entry> parse_manifest(const std::string& text, const fs::path& file) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error) throw UsageError(file.string() + ": is not JSON: " + error.message());
  const ManifestObject manifest(file, document);
  manifest.allow_only({"name", "model", "command", "capacity", "keeps", "held", "packages", "variants",
                       "warm_up_s", "budget", "group", "floor"});
  Entry base;
  base.name = base.manifest_name = manifest.text("name");
  base.model = manifest.text("model");
  base.manifest = file;
  base.folder = file.parent_path();
  base.group = group_of(manifest, base.folder);
  if (manifest.find("floor") != nullptr) base.floor = manifest.text("floor");
  base.command = manifest.texts("command");
  if (base.command.empty())
    manifest.fail("'command' is missing: give the program and its arguments as a list");
  base.capacity = manifest.texts("capacity");
  read_keeps(manifest, base);
  base.warm_up_seconds = static_cast<double>(manifest.number("warm_up_s", 0));
  base.packages = manifest.texts("packages");
  read_held(manifest, file, base.held);
  read_budget(manifest, base.budget);
  const json::value* variants = manifest.find("variants");
  if (variants == nullptr) return {base};
  if (!variants->is_array() || variants->get_array().empty())
    manifest.fail("'variants' is no list of variants");
  std::vector<Entry> entries;
  for (const json::value& item : variants->get_array()) {
    const ManifestObject variant(file, item);
    // The last two are of wrong servers: tests/wrong_servers/CMakeLists.txt reads them.
    variant.allow_only({"name", "options", "held", "budget", "floor", "caught_by", "because"});
    Entry entry = base;
    entry.name = variant.text("name");
    if (variant.find("floor") != nullptr) entry.floor = variant.text("floor");
    read_held(variant, file, entry.held);
    read_budget(variant, entry.budget);
    for (std::string& option : variant.texts("options")) entry.command.push_back(std::move(option));
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::vector<Entry> find_entries(const fs::path& root) {
  std::vector<Entry> entries;
  for (const fs::path& file : find_manifests(root)) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    for (Entry& entry : parse_manifest(text.str(), file)) entries.push_back(std::move(entry));
  }
  if (entries.empty())
    throw UsageError("no */*/pattern.json under " + root.string() +
                     ": name the project's folder with --root");
  move_floors_last(entries);
  std::set<std::string> names;
  for (const Entry& entry : entries)
    if (!names.insert(entry.name).second)
      throw UsageError("two manifests name an entry '" + entry.name + "': rename one in its pattern.json");
  return entries;
}

std::vector<Entry> select_entries(const std::vector<Entry>& all, const std::vector<std::string>& names) {
  std::vector<Entry> selected;
  if (names.empty()) {
    std::copy_if(all.begin(), all.end(), std::back_inserter(selected), is_measured);
    return selected;
  }
  std::set<std::string> taken;
  for (const std::string& name : names) {
    bool known = false;
    std::error_code no_such_folder;
    for (const Entry& entry : all) {
      if (entry.name != name && entry.manifest_name != name &&
          !fs::equivalent(name, entry.folder, no_such_folder))
        continue;
      known = true;
      if (taken.insert(entry.name).second) selected.push_back(entry);
    }
    if (!known)
      throw UsageError("unknown entry '" + name + "': use one or more of " +
                       names_of(select_entries(all, {})));
  }
  move_floors_last(selected);
  return selected;
}

std::vector<std::string> entry_command(const Entry& entry, const std::string& address,
                                       const std::string& port, std::size_t capacity) {
  std::vector<std::string> command = entry.command;
  if (capacity != 0) command.insert(command.end(), entry.capacity.begin(), entry.capacity.end());
  for (std::string& word : command) {
    boost::algorithm::replace_all(word, "{address}", address);
    boost::algorithm::replace_all(word, "{port}", port);
    boost::algorithm::replace_all(word, "{capacity}", std::to_string(capacity));
  }
  return command;
}

}  // namespace comet::loadgen
