// The page's data of one series: see page_series.hpp.
#include "loadgen/results/page_series.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "loadgen/results/budget.hpp"
#include "loadgen/results/figures.hpp"
#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {
namespace {

namespace json = boost::json;

constexpr double kLagShare = 0.1;  // of a p99: with a larger lag of the load generator it is marked

json::value or_null(std::optional<double> number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::array interval_json(const std::vector<double>& values) {
  const Interval interval = bootstrap_median(values);
  return {interval.median, interval.low, interval.high};
}

bool has_status(const json::value& repeat, const char* status) {
  return text_at(repeat, "/status") == status;
}

// A repeat that reached a ceiling has points too: those that it took before.
bool has_data(const json::value& repeat) {
  return has_status(repeat, "complete") || has_status(repeat, "ceiling");
}

std::int64_t count_of(const json::value& result, const char* status) {
  const json::array& repeats = array_at(result, "/repeats");
  return std::count_if(repeats.begin(), repeats.end(),
                       [status](const json::value& repeat) { return has_status(repeat, status); });
}

std::optional<double> median_of(const json::value& result, const char* pointer) {
  const auto value = figure_value(result, {"", pointer, "", "", "", ""});
  return value ? std::optional(value->interval.median) : std::nullopt;
}

// If no repeat is complete, these are the figures of the repeats that reached a ceiling.
json::object figures_json(const json::value& result) {
  const char* status = count_of(result, "complete") > 0 ? "complete" : "ceiling";
  json::object figures;
  for (const Figure& figure : all_figures())
    if (const auto value = figure_value(result, figure, status))
      figures[figure.key] = {value->interval.median, value->interval.low, value->interval.high,
                             value->repeats};
  return figures;
}

// [percent, median, low, high] for every percentage in the repeats' curves at `pointer`; at 100 the largest
// of all repeats.
json::array curve_json(const json::value& result, const char* pointer) {
  std::map<double, std::vector<double>> by_percent;
  for (const json::value& repeat : array_at(result, "/repeats"))
    if (has_status(repeat, "complete"))
      for (const json::value& point : array_at(repeat, pointer))
        by_percent[*number_at(point, "/0")].push_back(*number_at(point, "/1"));
  json::array curve;
  for (const auto& [percent, values] : by_percent) {
    Interval interval = bootstrap_median(values);
    if (percent == 100) interval.median = interval.high = *std::max_element(values.begin(), values.end());
    curve.push_back({percent, interval.median, interval.low, interval.high});
  }
  return curve;
}

// hold: {held, user_bytes, kernel_bytes} with [median, low, high] for each size. Kernel memory is
// system-wide, so only its increase since memory at rest is given.
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

// churn: the repeat whose memory over time is drawn. It is only one, because the moments of different repeats
// do not match. If none has data it is a failed one, which shows the memory that was not given back.
const json::value* churn_repeat(const json::value& result) {
  const json::value* shown = nullptr;
  for (const json::value& repeat : array_at(result, "/repeats")) {
    if (array_at(repeat, "/points").empty()) continue;
    if (has_data(repeat)) return &repeat;
    if (shown == nullptr) shown = &repeat;
  }
  return shown;
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

// Repeats that are not complete.
json::array problems_json(const json::value& result) {
  json::array problems;
  for (const json::value& repeat : array_at(result, "/repeats"))
    if (!has_status(repeat, "complete"))
      problems.push_back(
          {{"status", repeat.at("status")}, {"held", repeat.at("held")}, {"note", repeat.at("note")}});
  return problems;
}

// What went wrong in the repeats, complete or not: each kind with its count and the number of repeats
// that had it.
json::array faults_json(const json::value& result) {
  struct Fault {
    double count = 0;
    int repeats = 0;
  };
  std::map<std::string, Fault> faults;
  const auto add = [&faults](const std::string& what, double count) {
    if (count <= 0) return;
    faults[what].count += count;
    ++faults[what].repeats;
  };
  // A steady scenario without cursors is there to measure the loss, which has a plot of its own.
  const bool loss_is_measured =
      text_at(result, "/scenario/kind") == "steady" && !flag_at(result, "/scenario/cursors");
  for (const json::value& repeat : array_at(result, "/repeats")) {
    for (const char* member : {"lost", "duplicate", "wrong"})
      if (std::string(member) != "lost" || !loss_is_measured)
        add(std::string(member) + " deliveries",
            number_at(repeat, std::string("/deliveries/") + member).value_or(0));
    if (repeat.at("errors").is_object())
      for (const auto& [kind, count] : repeat.at("errors").get_object())
        add("error: " + std::string(kind), count.to_number<double>());
    if (flag_at(repeat, "/server/had_to_be_killed"))
      add("did not end within 10 s of SIGTERM and was killed", 1);
  }
  json::array list;
  for (const auto& [what, fault] : faults)
    list.push_back({{"what", what}, {"count", fault.count}, {"repeats", fault.repeats}});
  return list;
}

// A dropped acknowledgement does no harm, so only segments that had to be sent again are counted.
double sent_again(const json::value& result) {
  double sum = 0;
  for (const json::value& repeat : array_at(result, "/repeats"))
    if (number_at(repeat, "/kernel_network/packets_dropped").value_or(0) > 0)
      sum += number_at(repeat, "/kernel_network/segments_retransmitted").value_or(0);
  return sum;
}

json::value lost_percent(const json::value& result) {
  std::vector<double> shares;
  for (const json::value& repeat : array_at(result, "/repeats")) {
    const auto expected = number_at(repeat, "/deliveries/expected");
    if (has_status(repeat, "complete") && expected.value_or(0) > 0)
      shares.push_back(100 * number_at(repeat, "/deliveries/lost").value_or(0) / *expected);
  }
  return shares.empty() ? json::value(nullptr) : json::value(interval_json(shares));
}

// {figure: [ratio, low, high, repeats]} by repeat. Only in a broadcast: in other scenarios the publisher sets
// the rate, not the server.
json::value x_floor(const json::value& result, const json::value* floor) {
  json::object ratios;
  if (text_at(result, "/scenario/kind") != "broadcast" || floor == nullptr) return ratios;
  for (const Figure& figure : floor_ratio_figures())
    if (const auto ratio = floor_ratio(result, *floor, figure))
      ratios[figure.key] = {ratio->interval.median, ratio->interval.low, ratio->interval.high,
                            ratio->repeats};
  return ratios;
}

// The keys of the figures that the load generator or the machine bounded, ratios included.
json::array bounded_json(const json::value& result, const json::value* floor) {
  json::array keys;
  for (const Figure& figure : all_figures())
    if (is_bounded(result, figure)) keys.emplace_back(figure.key);
  for (const Figure& figure : floor_ratio_figures())
    if (is_bounded(result, figure) || (floor != nullptr && is_bounded(*floor, figure)))
      keys.emplace_back(figure.key);
  return keys;
}

// Whether the clients' own lag is a notable part of the delivery latency. It says nothing about the latency
// of other requests, which the driver measures.
bool is_lagging(const json::value& result) {
  const auto lag = median_of(result, "/generator/lag_p99_us");
  const auto p99 = median_of(result, "/latency/p99_us");
  return lag && p99 && *lag > kLagShare * *p99;
}

json::value budget_of(const json::value& result, const json::value* floor, const json::object& mechanisms,
                      const Budget& budget) {
  if (mechanisms.empty() || floor == nullptr || text_at(result, "/group") != "pattern" ||
      text_at(result, "/scenario/kind") != "broadcast")
    return nullptr;
  constexpr char cpu[] = "/server/cpu_us_per_delivery";
  return budget_json(budget, median_of(result, cpu), median_of(*floor, cpu), mechanisms);
}

}  // namespace

json::object series_json(const json::value& result, const json::value* floor, const json::object& mechanisms,
                         const Budget& budget) {
  const bool churn = text_at(result, "/scenario/kind") == "churn";
  const json::value* shown = churn ? churn_repeat(result) : nullptr;
  return {{"scenario", result.at("scenario").at("name")},
          {"entry", result.at("entry")},
          {"held", result.at("held_wanted")},
          {"publishes_per_second", or_null(number_at(result, "/scenario/publishes_per_second"))},
          {"repeats", array_at(result, "/repeats").size()},
          {"complete", count_of(result, "complete")},
          {"offered_per_second", or_null(median_of(result, "/deliveries/offered_per_second"))},
          {"delivered", or_null(median_of(result, "/deliveries/delivered"))},
          {"figures", figures_json(result)},
          {"x_floor", x_floor(result, floor)},
          {"lost_percent", lost_percent(result)},
          {"lagging", is_lagging(result)},
          {"socket_curve", curve_json(result, "/socket_latency/curve")},
          {"curve", curve_json(result, "/latency/curve")},
          {"points", shown != nullptr ? array_at(*shown, "/points") : hold_points_json(result)},
          {"points_failed", shown != nullptr && !has_data(*shown)},
          {"sums", sums_json(result)},
          {"problems", problems_json(result)},
          {"faults", faults_json(result)},
          {"sent_again", sent_again(result)},
          {"bounded", bounded_json(result, floor)},
          {"budget", budget_of(result, floor, mechanisms, budget)}};
}

}  // namespace comet::loadgen
