// The page's data: see page_data.hpp.
#include "loadgen/page_data.hpp"

#include <boost/json.hpp>
#include <map>

#include "loadgen/errors.hpp"
#include "loadgen/figures.hpp"

namespace comet {
namespace {

namespace json = boost::json;

json::array interval_json(const std::vector<double>& values) {
  const Interval interval = bootstrap_median(values);
  return {interval.median, interval.low, interval.high};
}

// What one repeat saw before it reached a ceiling still counts for curves and points.
bool has_data(const json::value& repeat) {
  const std::string status = text_at(repeat, "/status");
  return status == "complete" || status == "ceiling";
}

json::object figures_json(const json::value& result) {
  json::object figures;
  for (const Figure& figure : all_figures())
    if (const auto value = figure_value(result, figure.pointer))
      figures[figure.key] = {value->interval.median, value->interval.low, value->interval.high,
                             value->repeats};
  return figures;
}

// [percent, median, low, high] of every percent that the repeats' curves have.
json::array curve_json(const json::value& result, const std::string& pointer) {
  std::map<double, std::vector<double>> by_percent;
  for (const json::value& repeat : array_at(result, "/repeats"))
    if (text_at(repeat, "/status") == "complete")
      for (const json::value& point : array_at(repeat, pointer))
        by_percent[*number_at(point, "/0")].push_back(*number_at(point, "/1"));
  json::array curve;
  for (const auto& [percent, values] : by_percent) {
    const Interval interval = bootstrap_median(values);
    curve.push_back({percent, interval.median, interval.low, interval.high});
  }
  return curve;
}

// hold: {held, user_bytes, kernel_bytes} with [median, low, high] for each size. Kernel memory is
// system-wide: only what came over the value at rest is the server's.
json::array hold_points_json(const json::value& result) {
  std::map<double, std::map<std::string, std::vector<double>>> by_held;
  for (const json::value& repeat : array_at(result, "/repeats")) {
    if (!has_data(repeat)) continue;
    const auto kernel_at_rest = number_at(repeat, "/kernel_memory/at_rest_bytes");
    for (const json::value& point : array_at(repeat, "/points")) {
      auto& members = by_held[number_at(point, "/held").value_or(0)];
      if (const auto bytes = number_at(point, "/user_bytes")) members["user_bytes"].push_back(*bytes);
      const auto kernel = number_at(point, "/kernel_bytes");
      if (kernel && kernel_at_rest) members["kernel_bytes"].push_back(*kernel - *kernel_at_rest);
    }
  }
  json::array points;
  for (const auto& [held, members] : by_held) {
    json::object point{{"held", held}};
    for (const auto& [member, values] : members) point[member] = interval_json(values);
    points.push_back(std::move(point));
  }
  return points;
}

// churn: memory over time is one repeat's; moments of different repeats do not match.
json::array churn_points_json(const json::value& result) {
  for (const json::value& repeat : array_at(result, "/repeats"))
    if (has_data(repeat)) return array_at(repeat, "/points");
  return {};
}

json::object sums_json(const json::value& result) {
  json::object sums;
  for (const char* member : {"expected", "delivered", "lost", "duplicate", "wrong"}) {
    double sum = 0;
    for (const json::value& repeat : array_at(result, "/repeats"))
      sum += number_at(repeat, std::string("/deliveries/") + member).value_or(0);
    sums[member] = sum;
  }
  return sums;
}

json::array problems_json(const json::value& result) {
  json::array problems;
  for (const json::value& repeat : array_at(result, "/repeats"))
    if (text_at(repeat, "/status") != "complete")
      problems.push_back({{"repeat", repeat.at("repeat")},
                          {"status", repeat.at("status")},
                          {"held", repeat.at("held")},
                          {"note", repeat.at("note")}});
  return problems;
}

bool generator_limited(const json::value& result) {
  for (const json::value& repeat : array_at(result, "/repeats")) {
    json::error_code missing;
    const json::value* limited = repeat.find_pointer("/generator/limited", missing);
    if (limited != nullptr && limited->is_bool() && limited->get_bool()) return true;
  }
  return false;
}

json::object series_json(const json::value& result) {
  const bool churn = text_at(result, "/scenario/kind") == "churn";
  const auto offered = figure_value(result, "/deliveries/offered_per_second");
  return {{"scenario", result.at("scenario").at("name")},
          {"entry", result.at("entry")},
          {"held", result.at("held_wanted")},
          {"repeats", array_at(result, "/repeats").size()},
          {"offered_per_second", offered ? json::value(offered->interval.median) : json::value(nullptr)},
          {"figures", figures_json(result)},
          {"curve", curve_json(result, "/latency/curve")},
          {"other_curve", curve_json(result, "/other_latency/curve")},
          {"points", churn ? churn_points_json(result) : hold_points_json(result)},
          {"sums", sums_json(result)},
          {"problems", problems_json(result)},
          {"generator_limited", generator_limited(result)}};
}

}  // namespace

json::object page_data(const std::vector<ResultFile>& results) {
  std::map<std::string, json::value> scenarios, entries, runs;  // by name, group and name, start
  std::map<std::string, std::string> run_of_scenario;
  json::array series;
  for (const auto& [path, content] : results) {
    const std::string scenario = text_at(content, "/scenario/name");
    const std::string run = text_at(content, "/run/started_at");
    if (run_of_scenario.emplace(scenario, run).first->second != run)
      throw UsageError(
          "scenario " + scenario +
          " is in two runs: a page shows it from one, comet-loadgen compare sets two side by side");
    runs[run] = content.at("run");
    scenarios[scenario] = content.at("scenario");
    entries[text_at(content, "/entry")] = {
        {"name", content.at("entry")}, {"group", content.at("group")}, {"model", content.at("model")}};
    series.push_back(series_json(content));
  }
  const auto list = [](const std::map<std::string, json::value>& map) {
    json::array values;
    for (const auto& [key, value] : map) values.push_back(value);
    return values;
  };
  return {{"runs", list(runs)},
          {"scenarios", list(scenarios)},
          {"entries", list(entries)},
          {"enough_repeats", kEnoughRepeats},
          {"series", std::move(series)}};
}

}  // namespace comet
