// The text table: see report_table.hpp.
#include "loadgen/results/report_table.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "loadgen/numbers.hpp"
#include "loadgen/results/statistics.hpp"
#include "loadgen/results/table_figures.hpp"
#include "loadgen/results/text_table.hpp"

namespace comet::loadgen {
namespace {

using Row = std::vector<std::string>;
using Number = std::optional<double>;
using Figures = std::vector<TableFigure>;

constexpr char kSpread[] = "(95%)";  // heads an interval of more repeats than the range is taken of
constexpr char kRange[] = "(range)";

bool is_complete(const Measurement& repeat) { return repeat.status == Status::kComplete; }

// By the number of the repeat.
ByRepeat values_of(const Series& series, const TableFigure& figure) {
  ByRepeat values;
  for (const Measurement& repeat : series.repeats)
    if (const Number value = figure.value(repeat); value && is_complete(repeat))
      values[repeat.repeat] = *value;
  return values;
}

std::optional<Interval> interval_of(const std::vector<double>& values) {
  return values.empty() ? std::nullopt : std::optional(bootstrap_median(values));
}

std::optional<Interval> interval_of(const Series& series, const TableFigure& figure) {
  std::vector<double> values;
  for (const auto& [repeat, value] : values_of(series, figure)) values.push_back(value);
  auto interval = interval_of(values);
  if (interval && figure.largest) interval->median = *std::max_element(values.begin(), values.end());
  return interval;
}

std::optional<Interval> ratio_of(const Series& series, const Series* floor, const TableFigure& figure) {
  if (floor == nullptr) return std::nullopt;
  return interval_of(ratios_by_repeat(values_of(series, figure), values_of(*floor, figure)));
}

using Place = std::pair<std::int64_t, Number>;  // held and rate: series that agree in both share a table
Place place_of(const Series& series) { return {series.held_wanted, series.rate}; }

std::string amount(std::int64_t count, const char* what) { return with_commas(count) + " " + what; }

// What a reader must know about a repeat, one text for each problem.
std::vector<std::string> problems(const Measurement& m) {
  std::vector<std::string> texts;
  if (!m.note.empty()) texts.push_back(m.note);
  if (m.deliveries.lost + m.deliveries.duplicate + m.deliveries.wrong > 0)
    texts.push_back(amount(m.deliveries.lost, "lost, ") + amount(m.deliveries.duplicate, "duplicate, ") +
                    amount(m.deliveries.wrong, "wrong of ") + amount(m.deliveries.expected, "deliveries"));
  if (m.status == Status::kComplete && !m.errors.empty()) {
    std::string text = "errors:";
    for (const auto& [kind, count] : m.errors) text += " " + kind + " x" + with_commas(count);
    texts.push_back(text);
  }
  if (m.server.killed) texts.push_back("did not end within 10 s of SIGTERM and was killed");
  return texts;
}

bool any(const Series& series, const std::function<bool(const Measurement&)>& holds) {
  return std::any_of(series.repeats.begin(), series.repeats.end(), holds);
}

// The largest number over the repeats, so that a repeat that failed earlier does not hide a ceiling.
std::int64_t held_of(const Series& series) {
  std::int64_t held = 0;
  for (const Measurement& m : series.repeats) held = std::max(held, m.held);
  return held;
}

bool is_bounded(const Series& series, const TableFigure& figure) {
  return figure.bounded &&
         any(series, [&figure](const Measurement& m) { return is_complete(m) && figure.bounded(m); });
}

std::string spread_of(const Interval& interval, int digits) {
  return with_commas(interval.low, digits) + ".." + with_commas(interval.high, digits);
}

// A row with its mark, if there is a line below the table that says what is wrong.
Row row_of(const Series& series, const Figures& figures, const Series* floor) {
  const bool trouble = any(series, [](const Measurement& m) { return !problems(m).empty(); });
  Row row{series.entry + (trouble ? " !" : ""), with_commas(held_of(series))};
  if (series.rate) row.push_back(plain_number(*series.rate));
  for (const TableFigure& figure : figures) {
    const bool bounded = is_bounded(series, figure);
    const auto interval = interval_of(series, figure);
    row.push_back(interval ? (bounded ? figure.bound : "") + with_commas(interval->median, figure.digits)
                           : "-");
    if (figure.with_interval) row.push_back(interval ? spread_of(*interval, figure.digits) : "-");
    if (!figure.with_ratio) continue;
    const auto ratio = ratio_of(series, floor, figure);
    const bool ratio_bounded = bounded || (floor != nullptr && is_bounded(*floor, figure));
    row.push_back(ratio ? std::string(ratio_bounded ? "~" : "") + with_commas(ratio->median, 2) + " (" +
                              spread_of(*ratio, 2) + ")"
                        : "-");
  }
  std::int64_t lost = 0, duplicate = 0, wrong = 0, expected = 0;
  for (const Measurement& m : series.repeats) {
    lost += m.deliveries.lost;
    duplicate += m.deliveries.duplicate;
    wrong += m.deliveries.wrong;
    expected += m.deliveries.expected;
  }
  row.push_back(expected == 0 ? "-"
                              : with_commas(lost) + "/" + with_commas(duplicate) + "/" + with_commas(wrong));
  return row;
}

Row header(const Figures& figures, bool with_rate, const char* spread) {
  Row row{"entry", "held"};
  if (with_rate) row.emplace_back("publishes/s");
  for (const TableFigure& figure : figures) {
    row.push_back(figure.title);
    if (figure.with_interval) row.emplace_back(spread);
    if (figure.with_ratio) row.push_back(std::string("x floor ") + spread);
  }
  row.emplace_back("lost/dup/wrong");
  return row;
}

// Each problem once, with the numbers of the repeats that had it.
std::string notes_of(const Series& series) {
  std::map<std::string, std::string> repeats;
  for (const Measurement& m : series.repeats)
    for (const std::string& problem : problems(m))
      repeats[problem] += (repeats[problem].empty() ? "" : ", ") + std::to_string(m.repeat);
  std::string text;
  for (const auto& [problem, numbers] : repeats)
    text += "! " + series_name(series) + ", repeat " + numbers + ": " + problem + "\n";
  // A dropped acknowledgement does no harm, so only segments that had to be sent again get a line.
  std::int64_t again = 0;
  for (const Measurement& m : series.repeats)
    if (m.dropped.value_or(0) > 0) again += m.retransmitted.value_or(0);
  if (again > 0)
    text += series_name(series) + ": " + amount(again, "segments were sent again, 200 ms later as a rule: ") +
            "the kernel drops packets beyond net.core.netdev_max_backlog\n";
  return text;
}

std::string legend_of(const Figures& figures, const char* spread, bool all_columns) {
  std::string text = "figures are medians over the repeats; ";
  text += spread == kRange ? "(range) is smallest..largest of them\n"
                           : "(95%) is the median's confidence interval\n";
  const auto line = [&text](std::string title, const std::string& what) {
    title.resize(std::max<std::size_t>(14, title.size() + 1), ' ');
    text += title + what + "\n";
  };
  for (const TableFigure& figure : figures) {
    if (!figure.legend.empty()) line(figure.title, figure.legend);
  }
  if (std::any_of(figures.begin(), figures.end(),
                  [](const TableFigure& figure) { return figure.with_ratio; }))
    line("x floor", "the figure before it divided by that of the entry's floor in the same repeat");
  line("-", "not measured");
  line(">= <= ~", "bounded by the load generator or by the machine's cores: the server may be faster");
  if (!all_columns) line("", "--all-columns shows more");
  return text;
}

const Series* find_series(const std::vector<Series>& all, const std::string& entry, const Place& place) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Series& series) {
    return series.entry == entry && place_of(series) == place;
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::string results_table(const Scenario& scenario, const std::vector<Series>& all, bool all_columns) {
  if (all.empty()) return {};
  const Figures figures = table_figures(scenario.kind, all_columns);
  std::set<Place> places;
  std::size_t most_repeats = 0;
  for (const Series& series : all) {
    places.insert(place_of(series));
    most_repeats = std::max(most_repeats, series.repeats.size());
  }
  const char* spread = most_repeats > kEnoughRepeats ? kSpread : kRange;
  std::string text;
  std::string notes;
  for (const Place& place : places) {
    const auto& [held, rate] = place;
    std::vector<Row> rows{header(figures, rate.has_value(), spread)};
    for (const Series& series : all) {
      if (place_of(series) != place) continue;
      rows.push_back(row_of(series, figures, find_series(all, series.floor, place)));
      notes += notes_of(series);
    }
    text += scenario.name + ", " + with_commas(held) + " held requests" +
            (rate ? ", " + plain_number(*rate) + " publishes/s" : "") + "\n" + aligned(rows) + "\n";
  }
  return text + legend_of(figures, spread, all_columns) + notes;
}

std::string series_name(const Series& series) {
  return series.entry + " at " + with_commas(series.held_wanted) +
         (series.rate ? ", " + plain_number(*series.rate) + "/s" : "");
}

std::string outcome(const Measurement& result) {
  std::string text;
  if (result.deliveries.per_second)
    text = with_commas(*result.deliveries.per_second, 0) + " deliveries/s";
  else if (result.status == Status::kComplete)
    text = with_commas(result.held) + " held";
  for (const std::string& problem : problems(result)) text += (text.empty() ? "" : ", ") + problem;
  return text;
}

}  // namespace comet::loadgen
