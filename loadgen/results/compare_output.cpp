// A comparison as a text table and as JSON: see compare.hpp.
#include <boost/json.hpp>

#include "loadgen/numbers.hpp"
#include "loadgen/results/compare.hpp"
#include "loadgen/results/text_table.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;

std::string spread(const FigureValue& value) {
  return three_digits(value.interval.median) + " (" + three_digits(value.interval.low) + ".." +
         three_digits(value.interval.high) + ")";
}

std::string change(const ComparedFigure& row) {
  if (row.a.interval.median == 0) return "-";
  const double percent = (row.b.interval.median / row.a.interval.median - 1) * 100;
  return std::string(percent < 0 ? "" : "+") + with_commas(percent, 1) + "%";
}

std::string line(const char* name, const Origin& origin) {
  std::string text = std::string(name) + ": ";
  if (origin.started_at.size() > 1)
    text += std::to_string(origin.started_at.size()) + " runs from " + *origin.started_at.begin() + " to ";
  text += *origin.started_at.rbegin();
  for (const std::string& commit : origin.commits) text += ", commit " + commit;
  return text + (origin.commits.empty() ? ", of no known commit\n" : "\n");
}

std::string summary(const Comparison& comparison) {
  if (comparison.figures.empty()) return "nothing to compare\n";
  if (comparison.decided == 0) return "nothing is decided: measure 5 repeats or more\n";
  return three_digits(static_cast<double>(comparison.differ)) + " of " +
         three_digits(static_cast<double>(comparison.decided)) + " figures differ\n";
}

json::object value_json(const FigureValue& value) {
  return {{"median", value.interval.median},
          {"low", value.interval.low},
          {"high", value.interval.high},
          {"repeats", value.repeats}};
}

json::object origin_json(const Origin& origin) {
  return {{"started_at", json::value_from(origin.started_at)}, {"commits", json::value_from(origin.commits)}};
}

}  // namespace

std::string to_table(const Comparison& comparison) {
  std::string text = line("A", comparison.a) + line("B", comparison.b);
  for (const std::string& note : comparison.notes) text += note + "\n";
  std::vector<std::vector<std::string>> rows{
      {"scenario", "entry", "held", "figure", "A (interval)", "B (interval)", "change", "B is"}};
  for (const ComparedFigure& row : comparison.figures) {
    const std::string unit = row.figure->unit;
    rows.push_back({row.scenario, row.entry,
                    three_digits(static_cast<double>(row.held)) +
                        (row.rate ? " at " + three_digits(*row.rate) + "/s" : ""),
                    row.figure->label + (unit == "1" ? "" : " " + unit), spread(row.a), spread(row.b),
                    change(row), row.verdict});
  }
  text += "\n";
  if (rows.size() > 1) {
    text += aligned(rows, {0, 1, 3, 7});
    text +=
        "\nmedians; the interval of 5 repeats is smallest..largest, which holds the median with 94%, of 4 "
        "with 88%; of more it is 95%\n";
  }
  return text + summary(comparison);
}

json::object to_json(const Comparison& comparison) {
  json::array rows;
  for (const ComparedFigure& row : comparison.figures)
    rows.push_back({{"scenario", row.scenario},
                    {"entry", row.entry},
                    {"held", row.held},
                    {"publishes_per_second", row.rate ? json::value(*row.rate) : json::value(nullptr)},
                    {"figure", row.figure->key},
                    {"unit", row.figure->unit},
                    {"a", value_json(row.a)},
                    {"b", value_json(row.b)},
                    {"verdict", row.verdict}});
  return {{"a", origin_json(comparison.a)},
          {"b", origin_json(comparison.b)},
          {"notes", json::value_from(comparison.notes)},
          {"figures", std::move(rows)},
          {"decided", comparison.decided},
          {"differ", comparison.differ}};
}

}  // namespace comet::loadgen
