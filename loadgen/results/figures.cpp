// Figures over repeats: see figures.hpp.
#include "loadgen/results/figures.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {

const std::vector<Figure>& all_figures() {
  static const std::vector<Figure> kFigures{
      {"deliveries_per_second", "/deliveries/per_second", "deliveries", "1/s", "faster", "slower"},
      {"hold_rate_per_second", "/hold_rate_per_second", "hold rate", "1/s", "faster", "slower"},
      {"socket_latency_p50_us", "/socket_latency/p50_us", "latency at the socket p50", "us", "slower",
       "faster"},
      {"socket_latency_p99_us", "/socket_latency/p99_us", "latency at the socket p99", "us", "slower",
       "faster"},
      {"socket_latency_max_us", "/socket_latency/max_us", "latency at the socket max", "us", "slower",
       "faster"},
      {"latency_p50_us", "/latency/p50_us", "latency p50", "us", "slower", "faster"},
      {"latency_p90_us", "/latency/p90_us", "latency p90", "us", "slower", "faster"},
      {"latency_p99_us", "/latency/p99_us", "latency p99", "us", "slower", "faster"},
      {"latency_p99_9_us", "/latency/p99_9_us", "latency p99.9", "us", "slower", "faster"},
      {"latency_max_us", "/latency/max_us", "latency max", "us", "slower", "faster"},
      {"other_latency_p50_us", "/other_latency/p50_us", "others' latency p50", "us", "slower", "faster"},
      {"other_latency_p99_us", "/other_latency/p99_us", "others' latency p99", "us", "slower", "faster"},
      {"other_latency_max_us", "/other_latency/max_us", "others' latency max", "us", "slower", "faster"},
      {"skew_p50_us", "/skew/p50_us", "skew p50", "us", "more", "less"},
      {"skew_p99_us", "/skew/p99_us", "skew p99", "us", "more", "less"},
      {"cpu_us_per_delivery", "/server/cpu_us_per_delivery", "CPU per delivery", "us", "more", "less"},
      {"context_switches_per_delivery", "/server/context_switches_per_delivery", "switches per delivery", "1",
       "more", "less"},
      {"system_calls_per_delivery", "/server/system_calls_per_delivery", "system calls per delivery", "1",
       "more", "less"},
      {"user_bytes_per_held", "/user_memory/per_held_bytes", "user memory per held", "bytes", "more", "less"},
      {"kernel_bytes_per_held", "/kernel_memory/per_held_bytes", "kernel memory per held", "bytes", "more",
       "less"},
      {"user_bytes_per_held_before", "/user_memory/per_held_before_bytes", "user memory before messages",
       "bytes", "more", "less"},
      {"kernel_bytes_per_held_before", "/kernel_memory/per_held_before_bytes",
       "kernel memory before messages", "bytes", "more", "less"},
      {"user_bytes_at_rest", "/user_memory/at_rest_bytes", "user memory at rest", "bytes", "more", "less"},
      {"user_bytes_after", "/user_memory/after_bytes", "user memory after", "bytes", "more", "less"},
      {"generator_lag_p99_us", "/generator/lag_p99_us", "client lag p99", "us", "more", "less"},
      {"generator_cores", "/generator/cores_used", "client cores", "1", "more", "less"},
      {"lost", "/deliveries/lost", "lost deliveries", "1", "more", "less"}};
  return kFigures;
}

std::optional<FigureValue> figure_value(const boost::json::value& result, std::string_view pointer,
                                        const char* status) {
  std::vector<double> values;
  for (const boost::json::value& repeat : array_at(result, "/repeats")) {
    if (text_at(repeat, "/status") != status) continue;
    if (const auto number = number_at(repeat, pointer)) values.push_back(*number);
  }
  if (values.empty()) return std::nullopt;
  return FigureValue{bootstrap_median(values), values.size()};
}

const Figure& floor_ratio_figure() {
  static const Figure kFigure{"floor_ratio", "/deliveries/per_second", "x floor", "1", "faster", "slower"};
  return kFigure;
}

std::optional<FigureValue> floor_ratio(const boost::json::value& result, const boost::json::value& floor) {
  const auto by_repeat = [](const boost::json::value& of) {
    std::map<double, double> rates;
    for (const boost::json::value& repeat : array_at(of, "/repeats"))
      if (const auto rate = number_at(repeat, floor_ratio_figure().pointer);
          rate && text_at(repeat, "/status") == "complete")
        rates[*number_at(repeat, "/repeat")] = *rate;
    return rates;
  };
  const auto floors = by_repeat(floor);
  std::vector<double> own, under, ratios;
  for (const auto& [repeat, rate] : by_repeat(result)) {
    const auto found = floors.find(repeat);
    if (found == floors.end() || found->second <= 0) continue;
    own.push_back(rate);
    under.push_back(found->second);
    ratios.push_back(rate / found->second);
  }
  if (ratios.empty()) return std::nullopt;
  Interval interval = bootstrap_median(ratios);
  interval.median = median(own) / median(under);
  return FigureValue{interval, ratios.size()};
}

}  // namespace comet::loadgen
