// Comparison of two runs: see compare.hpp. compare_output.cpp prints it.
#include "loadgen/results/compare.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <tuple>

#include "loadgen/errors.hpp"
#include "loadgen/numbers.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;

// With 3 repeats each, the ranges of figures that do not differ are apart in one comparison of 10; with 4,
// in one of 35.
constexpr std::size_t kDecidingRepeats = 4;

struct Key {
  std::string scenario, entry;
  std::int64_t held;
  std::optional<double> rate;

  bool operator<(const Key& other) const {
    return std::tie(scenario, entry, held, rate) <
           std::tie(other.scenario, other.entry, other.held, other.rate);
  }
};

using Results = std::map<Key, const ResultFile*>;

Results by_key(const std::vector<ResultFile>& results) {
  Results map;
  for (const ResultFile& result : results) {
    const json::value& content = result.content;
    const Key key{text_at(content, "/scenario/name"), text_at(content, "/entry"),
                  static_cast<std::int64_t>(*number_at(content, "/held_wanted")),
                  number_at(content, "/scenario/publishes_per_second")};
    const auto [found, added] = map.emplace(key, &result);
    if (!added)
      throw UsageError(found->second->path.string() + " and " + result.path.string() +
                       " are the same entry in two runs: name one of them");
  }
  return map;
}

Origin origin_of(const std::vector<ResultFile>& results) {
  Origin origin;
  for (const auto& [path, content] : results) {
    origin.started_at.insert(text_at(content, "/run/started_at"));
    if (const std::string commit = text_at(content, "/run/commit"); !commit.empty())
      origin.commits.insert(commit);
  }
  return origin;
}

// Why repeats are not complete, as in "failed in 2 of 5 repeats: the server died"; empty if all are.
std::string incomplete(const json::value& result) {
  std::map<std::pair<std::string, std::string>, int> counts;  // by status and note
  const json::array& repeats = array_at(result, "/repeats");
  for (const json::value& repeat : repeats)
    if (const std::string status = text_at(repeat, "/status"); status != "complete")
      ++counts[{status, text_at(repeat, "/note")}];
  std::string text;
  for (const auto& [why, count] : counts)
    text += (text.empty() ? "" : ", ") + why.first + " in " + std::to_string(count) + " of " +
            std::to_string(repeats.size()) + " repeats" + (why.second.empty() ? "" : ": " + why.second);
  return text;
}

// Without the text about it.
json::object settings_of_scenario(const json::value& result) {
  json::object settings = result.at("scenario").as_object();
  settings.erase("about");
  return settings;
}

bool has_complete(const json::value& result) {
  const json::array& repeats = array_at(result, "/repeats");
  return std::any_of(repeats.begin(), repeats.end(),
                     [](const json::value& repeat) { return text_at(repeat, "/status") == "complete"; });
}

class Comparer {
 public:
  Comparer(const std::vector<ResultFile>& a, const std::vector<ResultFile>& b);
  Comparison run();

 private:
  bool has_several_rates(const std::string& scenario) const { return rates_.at(scenario).size() > 1; }
  void note(const Key& key, const std::string& text);
  void note_different_machines(const json::value& a, const json::value& b);
  void note_incomplete(const Key& key, const json::value* a, const json::value* b);
  void compare_results(const Key& key, const json::value& a, const json::value& b);
  void add(const Key& key, const Figure& figure, const FigureValue& a, const FigureValue& b);
  static std::optional<FigureValue> over_floor(const Results& results, const Key& key, const Figure& figure);

  Results a_, b_;
  std::map<std::string, std::set<std::optional<double>>> rates_;  // by scenario
  std::set<std::string> machines_;                                // how they differ
  std::map<std::tuple<std::string, std::string, std::string>, std::string>
      notes_;  // places by scenario, entry, text
  Comparison comparison_;
};

Comparer::Comparer(const std::vector<ResultFile>& a, const std::vector<ResultFile>& b)
    : a_(by_key(a)), b_(by_key(b)) {
  comparison_.a = origin_of(a);
  comparison_.b = origin_of(b);
  for (const Results* results : {&a_, &b_})
    for (const auto& [key, result] : *results) rates_[key.scenario].insert(key.rate);
}

// Adds the place to the note. An entry has the note once, with all places that it is true of.
void Comparer::note(const Key& key, const std::string& text) {
  std::string& places = notes_[{key.scenario, key.entry, text}];
  places += ", " + three_digits(static_cast<double>(key.held)) + " held";
  if (key.rate && has_several_rates(key.scenario)) places += " at " + three_digits(*key.rate) + "/s";
}

void Comparer::note_different_machines(const json::value& a, const json::value& b) {
  for (const char* fact : {"cpu", "cores", "memory", "kernel", "settings"}) {
    const json::value& in_a = a.at("run").at("machine").at(fact);
    const json::value& in_b = b.at("run").at("machine").at(fact);
    if (in_a != in_b)
      machines_.insert(std::string("the machines differ in ") + fact + ": " + json::serialize(in_a) +
                       " and " + json::serialize(in_b));
  }
}

void Comparer::note_incomplete(const Key& key, const json::value* a, const json::value* b) {
  const std::string in_a = a == nullptr ? "" : incomplete(*a);
  const std::string in_b = b == nullptr ? "" : incomplete(*b);
  if (in_a == in_b) {
    if (!in_a.empty()) note(key, "A and B: " + in_a);
    return;
  }
  std::string text = in_a.empty() ? "" : "A: " + in_a;
  if (!in_b.empty()) text += (text.empty() ? "B: " : "; B: ") + in_b;
  note(key, text);
}

std::optional<FigureValue> Comparer::over_floor(const Results& results, const Key& key,
                                                const Figure& figure) {
  const json::value& own = results.at(key)->content;
  const std::string floor = floor_of(own);
  if (text_at(own, "/scenario/kind") != "broadcast" || floor == key.entry) return std::nullopt;
  const auto found = results.find({key.scenario, floor, key.held, key.rate});
  return found == results.end() ? std::nullopt : floor_ratio(own, found->second->content, figure);
}

void Comparer::add(const Key& key, const Figure& figure, const FigureValue& a, const FigureValue& b) {
  std::string verdict = "not distinguishable";
  if (std::min(a.repeats, b.repeats) < kDecidingRepeats) {
    verdict = "too few repeats";
  } else {
    ++comparison_.decided;
    if (b.interval.low > a.interval.high) verdict = figure.higher;
    if (b.interval.high < a.interval.low) verdict = figure.lower;
    if (verdict != "not distinguishable") ++comparison_.differ;
  }
  comparison_.figures.push_back({key.scenario, key.entry, key.held,
                                 has_several_rates(key.scenario) ? key.rate : std::nullopt, &figure, a, b,
                                 verdict});
}

void Comparer::compare_results(const Key& key, const json::value& a, const json::value& b) {
  note_different_machines(a, b);
  if (settings_of_scenario(a) != settings_of_scenario(b))
    return note(key, "the scenario's settings differ: not compared");
  const bool both_measured = has_complete(a) && has_complete(b);
  const auto compare_figure = [&](const Figure& figure, const auto& in_a, const auto& in_b) {
    if (in_a && in_b)
      add(key, figure, *in_a, *in_b);
    else if ((in_a || in_b) && both_measured)
      note(key, std::string(figure.label) + " is only in " + (in_a ? "A" : "B"));
  };
  for (const Figure& figure : all_figures())
    compare_figure(figure, figure_value(a, figure), figure_value(b, figure));
  for (const Figure& figure : floor_ratio_figures())
    compare_figure(figure, over_floor(a_, key, figure), over_floor(b_, key, figure));
}

Comparison Comparer::run() {
  for (const auto& [key, result] : a_) {
    const auto other = b_.find(key);
    note_incomplete(key, &result->content, other == b_.end() ? nullptr : &other->second->content);
    if (other == b_.end())
      note(key, "only in A");
    else
      compare_results(key, result->content, other->second->content);
  }
  for (const auto& [key, result] : b_) {
    if (a_.count(key) > 0) continue;
    note_incomplete(key, nullptr, &result->content);
    note(key, "only in B");
  }
  comparison_.notes.assign(machines_.begin(), machines_.end());
  if (!machines_.empty())
    comparison_.notes.push_back(
        "between machines, the ratios to the floor are the only figures of speed that say something");
  for (const auto& [about, places] : notes_) {
    const auto& [scenario, entry, text] = about;
    comparison_.notes.push_back(scenario + ", " + entry + places + ": " + text);
  }
  return comparison_;
}

}  // namespace

Comparison compare(const std::vector<ResultFile>& a, const std::vector<ResultFile>& b) {
  return Comparer(a, b).run();
}

}  // namespace comet::loadgen
