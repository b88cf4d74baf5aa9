// The text table: see report_table.hpp.
#include "loadgen/report_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "loadgen/progress.hpp"

namespace comet {
namespace {

using Row = std::vector<std::string>;

constexpr char kLegend[] =
    R"(deliveries/s  median of the rounds, and slowest..fastest round; a round ends when all are held again
x floor       deliveries/s over those of the floor in the same run
p50 p99 max   milliseconds from the intended publish to the last byte at the subscriber, all deliveries
CPU us        microseconds of server CPU for one delivery, whole process tree; switches: context switches
user B        server memory for one held request: proportional set size after the rounds, less that at rest
kernel B      kernel memory for one held request: system-wide change, with the clients' sockets
rest MiB      server memory with no clients (proportional set size)
-             not measured
)";

std::string fixed(std::optional<double> number, int digits) {
  if (!number) return "-";
  std::array<char, 64> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, *number);
  return text.data();
}

std::string whole(std::optional<double> number) { return number ? with_commas(std::llround(*number)) : "-"; }

std::optional<double> scaled(std::optional<double> number, double factor) {
  return number ? std::optional(*number * factor) : std::nullopt;
}

// 1234 as "1,234", 123456 as "123k": a spread needs no more digits.
std::string rough(double number) {
  return number < 10'000 ? with_commas(std::llround(number)) : with_commas(std::llround(number / 1000)) + "k";
}

std::string amount(std::int64_t count, const char* what) { return with_commas(count) + " " + what; }

// What a reader must know about the row, one text for each; empty when all is well.
std::vector<std::string> problems(const Result& result) {
  const auto& [measurement, summary] = result;
  std::vector<std::string> texts;
  if (measurement.status != Status::kComplete) texts.push_back(measurement.note);
  if (summary.lost + summary.duplicate + summary.wrong > 0)
    texts.push_back(amount(summary.lost, "lost, ") + amount(summary.duplicate, "duplicate, ") +
                    amount(summary.wrong, "wrong of ") + amount(summary.expected, "deliveries"));
  if (measurement.killed) texts.push_back("did not end within 10 s of SIGTERM and was killed");
  return texts;
}

Row header() {
  return {"entry",  "held",   "deliveries/s", "(rounds)", "x floor",  "p50 ms",   "p99 ms",
          "max ms", "CPU us", "switches",     "user B",   "kernel B", "rest MiB", "lost/dup/wrong"};
}

Row figures(const Result& result, std::optional<double> floor_rate) {
  const auto& [measurement, summary] = result;
  const bool has_rate = summary.rate_median.has_value();
  std::optional<double> ratio;
  if (has_rate && floor_rate) ratio = *summary.rate_median / *floor_rate;
  std::optional<double> rest;
  if (measurement.user.at_rest) rest = static_cast<double>(*measurement.user.at_rest) / (1024 * 1024);
  const std::string mark = !problems(result).empty() ? " !" : summary.generator_limited ? " *" : "";
  const std::string lost =
      with_commas(summary.lost) + "/" + with_commas(summary.duplicate) + "/" + with_commas(summary.wrong);
  return {measurement.entry + mark,
          with_commas(measurement.held),
          whole(summary.rate_median),
          has_rate ? rough(*summary.rate_minimum) + ".." + rough(*summary.rate_maximum) : "-",
          fixed(ratio, 2),
          fixed(scaled(summary.latency_p50_us, 1e-3), 2),
          fixed(scaled(summary.latency_p99_us, 1e-3), 2),
          fixed(scaled(summary.latency_max_us, 1e-3), 2),
          fixed(summary.server_cpu_us, 1),
          fixed(summary.server_context_switches, 2),
          whole(summary.user_bytes_after ? summary.user_bytes_after : summary.user_bytes_before),
          whole(summary.kernel_bytes_before),
          fixed(rest, 1),
          measurement.rounds.empty() ? "-" : lost};
}

// The first column to the left, figures to the right.
std::string aligned(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      text += i == 0 ? row[i] + padding : "  " + padding + row[i];
    }
    text += '\n';
  }
  return text;
}

struct Notes {
  std::string lines;
  bool generator_limited = false;
};

void add_notes(const Result& result, Notes& notes) {
  const auto& [measurement, summary] = result;
  const std::string row = measurement.entry + " at " + with_commas(measurement.held_wanted) + ": ";
  for (const std::string& problem : problems(result)) notes.lines += "! " + row + problem + "\n";
  // Dropped acknowledgements do no harm: only what had to be sent again is worth a line.
  if (measurement.dropped.value_or(0) > 0 && measurement.retransmitted.value_or(0) > 0)
    notes.lines += row +
                   amount(*measurement.retransmitted, "segments were sent again, 200 ms later as a rule: ") +
                   "the kernel drops packets beyond net.core.netdev_max_backlog\n";
  notes.generator_limited |= summary.generator_limited;
}

std::string size_table(const std::vector<const Result*>& results, std::int64_t held, Notes& notes) {
  std::optional<double> floor_rate;
  for (const Result* result : results) {
    if (result->measurement.entry == "floor") floor_rate = result->summary.rate_median;
    add_notes(*result, notes);
  }
  std::vector<Row> rows{header()};
  for (const Result* result : results) rows.push_back(figures(*result, floor_rate));
  return with_commas(held) + " held requests\n" + aligned(rows) + "\n";
}

}  // namespace

std::string results_table(const std::vector<Result>& results) {
  std::map<std::int64_t, std::vector<const Result*>> sizes;
  for (const Result& result : results) sizes[result.measurement.held_wanted].push_back(&result);
  std::string text;
  Notes notes;
  for (const auto& [held, rows] : sizes) text += size_table(rows, held, notes);
  if (text.empty()) return text;
  text += kLegend;
  if (notes.generator_limited)
    text +=
        "*             the load generator used up a core and the server did not: the server can do more\n";
  return text + notes.lines;
}

std::string outcome(const Result& result) {
  std::string text;
  if (result.summary.rate_median) text = whole(result.summary.rate_median) + " deliveries/s";
  for (const std::string& problem : problems(result)) text += (text.empty() ? "" : ", ") + problem;
  return text;
}

}  // namespace comet
