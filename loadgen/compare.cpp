// Comparison of two runs: see compare.hpp.
#include "loadgen/compare.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <map>
#include <tuple>

namespace comet {
namespace {

namespace json = boost::json;

// With 3 repeats each, figures that do not differ lie apart in one comparison of 10; with 4, in one of 35.
constexpr std::size_t kDecidingRepeats = 4;

using Key = std::tuple<std::string, std::string, std::int64_t>;  // scenario, entry, held

std::map<Key, const ResultFile*> by_key(const std::vector<ResultFile>& results) {
  std::map<Key, const ResultFile*> map;
  for (const ResultFile& result : results)
    map[{text_at(result.content, "/scenario/name"), text_at(result.content, "/entry"),
         static_cast<std::int64_t>(number_at(result.content, "/held_wanted").value_or(0))}] = &result;
  return map;
}

std::string name_of(const Key& key) {
  return std::get<0>(key) + ", " + std::get<1>(key) + ", " + readable(static_cast<double>(std::get<2>(key))) +
         " held";
}

std::string verdict(const Figure& figure, const FigureValue& a, const FigureValue& b) {
  if (std::min(a.repeats, b.repeats) < kDecidingRepeats) return "too few repeats";
  if (b.interval.low > a.interval.high) return figure.higher;
  if (b.interval.high < a.interval.low) return figure.lower;
  return "not distinguishable";
}

void compare_result(const Key& key, const json::value& a, const json::value& b, Comparison& comparison) {
  if (a.at("scenario") != b.at("scenario")) {
    comparison.notes.push_back(name_of(key) + ": the scenario's settings differ: not compared");
    return;
  }
  for (const Figure& figure : all_figures()) {
    const auto value_a = figure_value(a, figure.pointer);
    const auto value_b = figure_value(b, figure.pointer);
    if (value_a && value_b)
      comparison.figures.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), &figure, *value_a,
                                    *value_b, verdict(figure, *value_a, *value_b)});
    else if (value_a || value_b)
      comparison.notes.push_back(name_of(key) + ": " + figure.label + " is only in " + (value_a ? "A" : "B"));
  }
}

void note_different_machines(const json::value& a, const json::value& b, Comparison& comparison) {
  for (const char* fact : {"cpu", "cores", "memory", "kernel", "settings"}) {
    const json::value& in_a = a.at("run").at("machine").at(fact);
    const json::value& in_b = b.at("run").at("machine").at(fact);
    if (in_a != in_b)
      comparison.notes.push_back(std::string("the machines differ in ") + fact + ": " +
                                 json::serialize(in_a) + " and " + json::serialize(in_b));
  }
}

std::string spread(const FigureValue& value) {
  return readable(value.interval.median) + " (" + readable(value.interval.low) + ".." +
         readable(value.interval.high) + ")";
}

std::string change(const ComparedFigure& row) {
  if (row.a.interval.median == 0) return "-";
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%+.1f%%",
                (row.b.interval.median / row.a.interval.median - 1) * 100);
  return text.data();
}

// Columns padded to their widest cell: texts to the left, figures to the right.
std::string aligned(const std::vector<std::array<std::string, 8>>& rows) {
  std::array<std::size_t, 8> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      const bool figure = i == 2 || (i >= 4 && i <= 6);
      line += (i == 0 ? "" : "  ") + (figure ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

json::object value_json(const FigureValue& value) {
  return {{"median", value.interval.median},
          {"low", value.interval.low},
          {"high", value.interval.high},
          {"repeats", value.repeats}};
}

}  // namespace

Comparison compare(const std::vector<ResultFile>& a, const std::vector<ResultFile>& b) {
  Comparison comparison;
  const auto in_a = by_key(a);
  const auto in_b = by_key(b);
  if (!a.empty() && !b.empty()) note_different_machines(a.front().content, b.front().content, comparison);
  for (const auto& [key, result] : in_a) {
    const auto other = in_b.find(key);
    if (other == in_b.end())
      comparison.notes.push_back(name_of(key) + ": only in A");
    else
      compare_result(key, result->content, other->second->content, comparison);
  }
  for (const auto& [key, result] : in_b)
    if (in_a.count(key) == 0) comparison.notes.push_back(name_of(key) + ": only in B");
  return comparison;
}

std::string to_table(const Comparison& comparison) {
  std::vector<std::array<std::string, 8>> rows{
      {"scenario", "entry", "held", "figure", "A (95%)", "B (95%)", "change", "B is"}};
  for (const ComparedFigure& row : comparison.figures)
    rows.push_back({row.scenario, row.entry, readable(static_cast<double>(row.held)),
                    std::string(row.figure->label) + (row.figure->unit == std::string("1") ? "" : " ") +
                        (row.figure->unit == std::string("1") ? "" : row.figure->unit),
                    spread(row.a), spread(row.b), change(row), row.verdict});
  std::string text = rows.size() > 1 ? aligned(rows) : "nothing to compare\n";
  for (const std::string& note : comparison.notes) text += note + "\n";
  return text;
}

json::object to_json(const Comparison& comparison) {
  json::array rows;
  for (const ComparedFigure& row : comparison.figures)
    rows.push_back({{"scenario", row.scenario},
                    {"entry", row.entry},
                    {"held", row.held},
                    {"figure", row.figure->key},
                    {"unit", row.figure->unit},
                    {"a", value_json(row.a)},
                    {"b", value_json(row.b)},
                    {"verdict", row.verdict}});
  return {{"figures", std::move(rows)}, {"notes", json::value_from(comparison.notes)}};
}

}  // namespace comet
