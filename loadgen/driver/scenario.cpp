// Scenarios: see scenario.hpp.
#include "loadgen/driver/scenario.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include "loadgen/errors.hpp"
#include "loadgen/numbers.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

struct KindRow {
  const char* name;
  Kind kind;
  std::set<std::string> keys;         // that it needs, in addition to those of every kind
  std::set<std::string> more_keys{};  // that it may have
};

const std::vector<KindRow>& kinds() {
  static const std::vector<KindRow> rows{
      {"hold", Kind::kHold, {}},
      {"broadcast", Kind::kBroadcast, {"duration_s"}, {"rounds", "ask_at_once", "cursors"}},
      {"steady", Kind::kSteady, {"duration_s", "publishes_per_second", "cursors"}},
      {"churn", Kind::kChurn, {"duration_s", "hold_s"}},
      {"channels", Kind::kChannels, {"duration_s", "publishes_per_second", "channels"}},
      {"blocking",
       Kind::kBlocking,
       {"duration_s", "publishes_per_second", "other_requests_per_second", "channels"}},
  };
  return rows;
}

const KindRow& row_of(Kind kind) {
  return *std::find_if(kinds().begin(), kinds().end(),
                       [kind](const KindRow& row) { return row.kind == kind; });
}

template <class List, class Name>
std::string join(const List& list, Name name) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ", ") + std::string(name(item));
  return text;
}

// Reads the members of the file's object. Every error message names the file and the key.
class Reader {
 public:
  Reader(const fs::path& file, const json::object& members) : file_(file), members_(members) {}

  [[noreturn]] void fail(const std::string& what) const { throw UsageError(file_.string() + ": " + what); }

  const json::value& at(const std::string& key) const {
    const json::value* value = members_.if_contains(key);
    if (value == nullptr) fail("'" + key + "' is missing");
    return *value;
  }

  std::string text(const std::string& key) const {
    if (!at(key).is_string()) fail("'" + key + "' is no text");
    return json::value_to<std::string>(at(key));
  }

  double number(const json::value& value, const std::string& key, double most) const {
    const double result = value.is_number() ? value.to_number<double>() : 0;
    if (result <= 0 || result > most) fail("'" + key + "' is no number above 0, up to " + plain_number(most));
    return result;
  }

  std::int64_t count(const json::value& value, const std::string& key, std::int64_t most) const {
    const std::int64_t result = value.is_int64() ? value.get_int64() : 0;
    if (result < 1 || result > most)
      fail("'" + key + "' takes whole numbers from 1 to " + std::to_string(most));
    return result;
  }

  bool flag(const std::string& key) const {
    if (!at(key).is_bool()) fail("'" + key + "' is neither true nor false");
    return at(key).get_bool();
  }

  const json::array& list(const std::string& key) const {
    if (!at(key).is_array()) fail("'" + key + "' is no list");
    return at(key).get_array();
  }

  bool has(const std::string& key) const { return members_.contains(key); }

 private:
  const fs::path& file_;
  const json::object& members_;
};

const KindRow& read_kind(const Reader& reader) {
  const std::string name = reader.text("kind");
  for (const KindRow& row : kinds())
    if (row.name == name) return row;
  reader.fail("unknown kind '" + name + "': use one of " +
              join(kinds(), [](const KindRow& row) { return row.name; }));
}

void allow_only(const Reader& reader, const json::object& members, const KindRow& row) {
  std::set<std::string> known{"kind", "about", "held", "server_options"};
  known.insert(row.keys.begin(), row.keys.end());
  known.insert(row.more_keys.begin(), row.more_keys.end());
  for (const auto& member : members) {
    const std::string key = member.key();
    if (known.count(key) == 0)
      reader.fail("unknown key '" + key + "': a scenario of kind " + row.name + " may have " +
                  join(known, [](const std::string& word) { return word; }));
  }
}

template <class Number>
void sort_and_drop_repeated(std::vector<Number>& numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

void read_held(const Reader& reader, Scenario& scenario) {
  for (const json::value& size : reader.list("held"))
    scenario.held.push_back(reader.count(size, "held", 1'000'000));
  if (scenario.held.empty()) reader.fail("'held' is empty: name at least one number of held requests");
  sort_and_drop_repeated(scenario.held);
}

// One rate, or a list of rates if the kind is steady.
void read_rates(const Reader& reader, Scenario& scenario) {
  const std::string key = "publishes_per_second";
  const json::value& value = reader.at(key);
  const bool is_list = scenario.kind == Kind::kSteady && value.is_array();
  for (const json::value& rate : is_list ? value.get_array() : json::array{value})
    scenario.rates.push_back(reader.number(rate, key, 100'000));
  if (scenario.rates.empty()) reader.fail("'" + key + "' is empty: name at least one rate");
  sort_and_drop_repeated(scenario.rates);
  scenario.publishes_per_second = scenario.rates.front();
}

void read_parameters(const Reader& reader, Scenario& scenario) {
  const std::set<std::string>& keys = row_of(scenario.kind).keys;
  const auto number = [&](const char* key, double most, double& target) {
    if (keys.count(key) > 0) target = reader.number(reader.at(key), key, most);
  };
  number("duration_s", 3600, scenario.duration_seconds);
  if (keys.count("publishes_per_second") > 0) read_rates(reader, scenario);
  number("other_requests_per_second", 100'000, scenario.other_requests_per_second);
  number("hold_s", 3600, scenario.hold_seconds);
  if (reader.has("rounds"))
    scenario.rounds = static_cast<int>(reader.count(reader.at("rounds"), "rounds", 1'000'000));
  if (reader.has("ask_at_once")) scenario.ask_at_once = reader.flag("ask_at_once");
  if (keys.count("channels") > 0) scenario.channels = reader.count(reader.at("channels"), "channels", 4096);
  // These two do not measure loss, and with a cursor a subscriber that is late loses nothing.
  const bool always = scenario.kind == Kind::kChannels || scenario.kind == Kind::kBlocking;
  const bool is_said = keys.count("cursors") > 0 || reader.has("cursors");
  scenario.cursors = always || (is_said && reader.flag("cursors"));
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw UsageError(path.string() + ": cannot be read");
  return text.str();
}

}  // namespace

std::vector<std::string> Scenario::needs() const {
  std::vector<std::string> parts;
  if (cursors) parts.emplace_back("cursors");
  if (channels > 1) parts.emplace_back("channels");
  if (kind == Kind::kChurn) parts.emplace_back("leaving");
  return parts;
}

std::vector<std::int64_t> Scenario::measured_sizes() const {
  return kind == Kind::kHold ? std::vector<std::int64_t>{held.back()} : held;
}

std::vector<Scenario> Scenario::by_rate() const {
  std::vector<Scenario> all(std::max<std::size_t>(1, rates.size()), *this);
  for (std::size_t i = 0; i < rates.size(); ++i) all[i].publishes_per_second = rates[i];
  return all;
}

json::object Scenario::to_json(std::int64_t size) const {
  json::object object{{"name", name}, {"kind", row_of(kind).name}, {"about", about}};
  const std::map<std::string, json::value> values{{"duration_s", duration_seconds},
                                                  {"publishes_per_second", publishes_per_second},
                                                  {"other_requests_per_second", other_requests_per_second},
                                                  {"hold_s", hold_seconds},
                                                  {"channels", channels},
                                                  {"cursors", cursors}};
  for (const std::string& key : row_of(kind).keys) object[key] = values.at(key);
  if (rounds) object["rounds"] = *rounds;
  if (kind == Kind::kBroadcast) object["ask_at_once"] = ask_at_once;
  if (kind == Kind::kBroadcast && cursors) object["cursors"] = true;
  if (kind == Kind::kChurn) object["arrivals_per_second"] = static_cast<double>(size) / hold_seconds;
  object["server_options"] = json::value_from(server_options);
  return object;
}

Scenario parse_scenario(const std::string& text, const fs::path& file) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  if (error) throw UsageError(file.string() + ": is not JSON: " + error.message());
  if (!document.is_object())
    throw UsageError(file.string() + ": is not an object: start from a file of loadgen/scenarios");
  const Reader reader(file, document.get_object());
  const KindRow& row = read_kind(reader);
  allow_only(reader, document.get_object(), row);
  Scenario scenario;
  scenario.name = file.stem().string();
  scenario.kind = row.kind;
  if (reader.has("about")) scenario.about = reader.text("about");
  read_held(reader, scenario);
  read_parameters(reader, scenario);
  if (!reader.has("server_options")) return scenario;
  for (const json::value& option : reader.list("server_options")) {
    if (!option.is_string()) reader.fail("'server_options' is no list of texts");
    scenario.server_options.push_back(json::value_to<std::string>(option));
  }
  return scenario;
}

std::string scenario_names(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(folder, error))
    if (file.path().extension() == ".json") names.insert(file.path().stem().string());
  return join(names, [](const std::string& word) { return word; });
}

Scenario find_scenario(const fs::path& folder, const std::string& name) {
  const bool is_file = name.find('/') != std::string::npos || name.ends_with(".json");
  const fs::path path = is_file ? fs::path(name) : folder / (name + ".json");
  if (fs::is_regular_file(path)) return parse_scenario(read_file(path), path);
  throw UsageError("unknown scenario '" + name + "': use a file, or one of " + scenario_names(folder));
}

}  // namespace comet::loadgen
