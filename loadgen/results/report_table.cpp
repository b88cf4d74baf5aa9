// The text table: see report_table.hpp.
#include "loadgen/results/report_table.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "loadgen/numbers.hpp"
#include "loadgen/results/statistics.hpp"
#include "loadgen/results/text_table.hpp"

namespace comet::loadgen {
namespace {

using Row = std::vector<std::string>;
using Number = std::optional<double>;

// One figure of a repeat and how it is printed.
struct Figure {
  std::string title;
  std::function<Number(const Measurement&)> value;
  int digits = 0;
  bool with_interval = false;
  std::string legend;
};

std::optional<Interval> interval_of(const Series& series, const Figure& figure) {
  std::vector<double> values;
  for (const Measurement& repeat : series.repeats)
    if (const Number value = figure.value(repeat); value && repeat.status == Status::kComplete)
      values.push_back(*value);
  return values.empty() ? std::nullopt : std::optional(bootstrap_median(values));
}

Number bytes(std::optional<std::int64_t> count, double unit) {
  return count ? Number(static_cast<double>(*count) / unit) : std::nullopt;
}

Figure latency(const std::string& title, std::optional<Distribution> Measurement::*part,
               double Distribution::*percentile, bool with_interval, const std::string& legend) {
  return {title,
          [part, percentile](const Measurement& m) {
            return m.*part ? Number((*(m.*part)).*percentile / 1e3) : std::nullopt;
          },
          2, with_interval, legend};
}

Number waited_percent(const Measurement& m) {
  if (!m.publishes || m.publishes->sent == 0) return std::nullopt;
  return 100 * static_cast<double>(m.publishes->waited) / static_cast<double>(m.publishes->sent);
}

void add_delivery_figures(Kind kind, std::vector<Figure>& figures) {
  if (kind == Kind::kBroadcast)
    figures.push_back({"deliveries/s", [](const Measurement& m) { return m.deliveries.per_second; }, 0, true,
                       "per repeat: the median of its rounds; a round ends when all are held again"});
  if (kind == Kind::kSteady || kind == Kind::kChannels) {
    figures.push_back({"offered/s", [](const Measurement& m) { return m.deliveries.offered_per_second; }, 0,
                       false, "deliveries per second that the publisher asked for"});
    figures.push_back({"deliveries/s", [](const Measurement& m) { return m.deliveries.per_second; }, 0, false,
                       "over the planned time, or until the last delivery if that came later"});
  }
  if (kind != Kind::kBroadcast)
    figures.push_back(
        {"waited %", waited_percent, 1, false,
         "publishes sent late, because the previous one on their connection had not been answered"});
  figures.push_back(latency("p50 ms", &Measurement::socket_latency, &Distribution::p50_us, false,
                            "milliseconds from the time a message was due to its last byte at the "
                            "subscriber's socket, by the kernel's receive timestamps"));
  figures.push_back(latency("p99 ms", &Measurement::socket_latency, &Distribution::p99_us, true, ""));
  figures.push_back(latency("max ms", &Measurement::socket_latency, &Distribution::max_us, false, ""));
  figures.push_back(latency("read p99", &Measurement::latency, &Distribution::p99_us, false,
                            "the same to the subscriber that has read it: with its own queue"));
  if (kind == Kind::kBlocking) {
    figures.push_back(latency("others p50", &Measurement::other_latency, &Distribution::p50_us, true,
                              "milliseconds from the time another request was due to its answer"));
    figures.push_back(latency("others p99", &Measurement::other_latency, &Distribution::p99_us, true, ""));
    figures.push_back(latency("others max", &Measurement::other_latency, &Distribution::max_us, false, ""));
  }
  figures.push_back({"CPU us", [](const Measurement& m) { return m.server.cpu_us; }, 1, true,
                     "microseconds of server CPU for one delivery, whole process tree"});
  figures.push_back({"switches", [](const Measurement& m) { return m.server.context_switches; }, 2, false,
                     "context switches of the server for one delivery"});
  figures.push_back({"calls", [](const Measurement& m) { return m.server.system_calls; }, 2, false,
                     "system calls of the server for one delivery"});
}

std::vector<Figure> figures_of(Kind kind) {
  std::vector<Figure> figures;
  if (kind != Kind::kChurn && kind != Kind::kHold) add_delivery_figures(kind, figures);
  if (kind == Kind::kChurn)
    figures.push_back(
        {"arrivals/s", [](const Measurement& m) { return m.hold_rate; }, 0, false, "that were not refused"});
  if (kind == Kind::kHold)
    figures.push_back({"holds/s", [](const Measurement& m) { return m.hold_rate; }, 0, true,
                       "held requests per second while they were connected"});
  figures.push_back(
      {"user B", [](const Measurement& m) { return m.user.per_held(m.last_while_held(m.user), m.held); }, 0,
       true, "server memory for one held request after messages: proportional set size minus that at rest"});
  figures.push_back(
      {"kernel B",
       [](const Measurement& m) { return m.kernel.per_held(m.last_while_held(m.kernel), m.held); }, 0, true,
       "the kernel's memory for it at the same moment: system-wide change, with the clients' sockets"});
  figures.push_back({"rest MiB", [](const Measurement& m) { return bytes(m.user.at_rest, kMebibyte); }, 1,
                     false, "server memory with no clients (proportional set size)"});
  if (kind == Kind::kChurn)
    figures.push_back({"after MiB", [](const Measurement& m) { return bytes(m.user.after, kMebibyte); }, 1,
                       true, "the same after all have left"});
  return figures;
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

Row row_of(const Series& series, const std::vector<Figure>& figures, const Series* floor) {
  const bool trouble = any(series, [](const Measurement& m) { return !problems(m).empty(); });
  const bool limited = any(series, [](const Measurement& m) { return m.generator.limited; });
  Row row{series.entry + (trouble || limited ? " " : "") + (trouble ? "!" : "") + (limited ? "*" : ""),
          with_commas(held_of(series))};
  if (series.rate) row.push_back(plain_number(*series.rate));
  for (const Figure& figure : figures) {
    const auto interval = interval_of(series, figure);
    row.push_back(interval ? with_commas(interval->median, figure.digits) : "-");
    if (figure.with_interval)
      row.push_back(interval ? with_commas(interval->low, figure.digits) + ".." +
                                   with_commas(interval->high, figure.digits)
                             : "-");
    if (figure.title != "deliveries/s" || !figure.with_interval) continue;
    const auto floors = floor == nullptr ? std::nullopt : interval_of(*floor, figure);
    row.push_back(interval && floors && floors->median > 0 ? with_commas(interval->median / floors->median, 2)
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

Row header(const std::vector<Figure>& figures, bool with_rate) {
  Row row{"entry", "held"};
  if (with_rate) row.push_back("publishes/s");
  for (const Figure& figure : figures) {
    row.push_back(figure.title);
    if (figure.with_interval) row.push_back("(95%)");
    if (figure.title == "deliveries/s" && figure.with_interval) row.push_back("x floor");
  }
  row.push_back("lost/dup/wrong");
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

std::string legend_of(const std::vector<Figure>& figures, bool limited) {
  std::string text =
      "figures are medians over the repeats; (95%) is the median's confidence interval, or the range of "
      "up to 5 repeats\n";
  const auto line = [&text](std::string title, const std::string& what) {
    title.resize(std::max<std::size_t>(14, title.size() + 1), ' ');
    text += title + what + "\n";
  };
  for (const Figure& figure : figures) {
    if (!figure.legend.empty()) line(figure.title, figure.legend);
    if (figure.title == "deliveries/s" && figure.with_interval)
      line("x floor", "divided by that of the floor in the same run; noise if the two (95%) overlap");
  }
  line("-", "not measured");
  if (limited) line("*", "the load generator used up a core and the server did not: the server can do more");
  return text;
}

}  // namespace

std::string results_table(const Scenario& scenario, const std::vector<Series>& all) {
  if (all.empty()) return {};
  const std::vector<Figure> figures = figures_of(scenario.kind);
  std::set<Place> places;
  for (const Series& series : all) places.insert(place_of(series));
  std::string text;
  std::string notes;
  bool limited = false;
  for (const Place& place : places) {
    const auto& [held, rate] = place;
    const auto floor = std::find_if(all.begin(), all.end(), [&place](const Series& series) {
      return place_of(series) == place && series.group == "floor";
    });
    std::vector<Row> rows{header(figures, rate.has_value())};
    for (const Series& series : all) {
      if (place_of(series) != place) continue;
      rows.push_back(row_of(series, figures, floor == all.end() ? nullptr : &*floor));
      notes += notes_of(series);
      limited = limited || any(series, [](const Measurement& m) { return m.generator.limited; });
    }
    text += scenario.name + ", " + with_commas(held) + " held requests" +
            (rate ? ", " + plain_number(*rate) + " publishes/s" : "") + "\n" + aligned(rows) + "\n";
  }
  return text + legend_of(figures, limited) + notes;
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
