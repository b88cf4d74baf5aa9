// The page's data: see page_data.hpp.
#include "loadgen/results/page_data.hpp"

#include <boost/json.hpp>
#include <map>
#include <tuple>

#include "loadgen/errors.hpp"
#include "loadgen/numbers.hpp"
#include "loadgen/results/budget.hpp"
#include "loadgen/results/figures.hpp"
#include "loadgen/results/growth.hpp"
#include "loadgen/results/nodes_figures.hpp"
#include "loadgen/results/page_series.hpp"
#include "loadgen/results/statistics.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;

// A page shows a scenario at one size from one run. Sizes may be of different runs, with more
// repeats for some.
void check_runs(const std::vector<ResultFile>& results) {
  std::map<std::string, std::string> run_of_scenario;
  for (const auto& [path, content] : results) {
    const std::string scenario = text_at(content, "/scenario/name") + " at " +
                                 plain_number(number_at(content, "/held_wanted").value_or(0));
    const std::string run = text_at(content, "/run/started_at");
    if (run_of_scenario.emplace(scenario, run).first->second != run)
      throw UsageError(
          "scenario " + scenario +
          " is in two runs: a page shows it from one, comet-loadgen compare sets two side by side");
  }
}

// Scenario, number held and messages per second: series that agree in these are shown side by side.
using Place = std::tuple<std::string, double, double>;

Place place_of(const json::value& result) {
  return {text_at(result, "/scenario/name"), number_at(result, "/held_wanted").value_or(0),
          number_at(result, "/scenario/publishes_per_second").value_or(0)};
}

json::array list(const std::map<std::string, json::value>& map) {
  json::array values;
  for (const auto& [key, value] : map) values.push_back(value);
  return values;
}

}  // namespace

json::object page_data(const std::vector<ResultFile>& results, const json::value& microbench,
                       const json::value& nodes, const std::vector<Entry>& known_entries) {
  check_runs(results);
  std::map<std::pair<std::string, Place>, const json::value*> by_entry;
  for (const auto& [path, content] : results)
    by_entry[{text_at(content, "/entry"), place_of(content)}] = &content;
  std::map<std::string, Budget> budgets;
  for (const Entry& entry : known_entries) budgets[entry.name] = entry.budget;
  const json::object mechanisms = microbench.is_null() ? json::object{} : mechanisms_json(microbench);
  std::map<std::string, json::value> runs;                // by start
  std::map<std::string, json::value> scenarios, entries;  // by name
  json::array series;
  for (const auto& [path, content] : results) {
    const std::string run = text_at(content, "/run/started_at");
    runs[run] = content.at("run");
    json::object scenario = content.at("scenario").as_object();
    scenario["run"] = run;
    scenarios[text_at(content, "/scenario/name")] = std::move(scenario);
    entries[text_at(content, "/entry")] = {
        {"name", content.at("entry")}, {"group", content.at("group")}, {"model", content.at("model")}};
    const auto floor = by_entry.find({floor_of(content), place_of(content)});
    series.push_back(series_json(content, floor == by_entry.end() ? nullptr : floor->second, mechanisms,
                                 budgets[text_at(content, "/entry")]));
  }
  return {{"runs", list(runs)},
          {"scenarios", list(scenarios)},
          {"entries", list(entries)},
          {"growth", growth_json(growth_of(results))},
          {"enough_repeats", kEnoughRepeats},
          {"microbench", mechanisms.empty() ? json::value(nullptr) : json::value(mechanisms)},
          {"nodes", nodes.is_null() ? json::value(nullptr) : json::value(nodes_json(nodes))},
          {"series", std::move(series)}};
}

}  // namespace comet::loadgen
