// Figures over repeats: see figures.hpp.
#include "loadgen/results/figures.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "loadgen/results/result_files.hpp"

namespace comet::loadgen {

const std::vector<Figure>& all_figures() {
  static const std::vector<Figure> kFigures{
      {"cpu_us_per_delivery", "/server/cpu_us_per_delivery", "CPU per delivery", "us", "more", "less"},
      {"delivery_cpu_us", "/phases/delivery/server_cpu_us_per_delivery", "CPU to deliver", "us", "more",
       "less"},
      {"return_cpu_us", "/phases/return/server_cpu_us_per_delivery", "CPU to hold again", "us", "more",
       "less"},
      {"reach_ms", "/phases/reached_sockets_ms", "time to reach everybody", "ms", "slower", "faster", false,
       "/phases/delivery/bounded"},
      {"return_ms", "/phases/return/time_ms", "time to hold all again", "ms", "slower", "faster", false,
       "/phases/return/bounded"},
      {"reached_per_second", "/phases/delivery/per_second", "delivered in that time", "1/s", "faster",
       "slower", false, "/phases/delivery/bounded"},
      {"returned_per_second", "/phases/return/per_second", "held again in that time", "1/s", "faster",
       "slower", false, "/phases/return/bounded"},
      {"deliveries_per_second", "/deliveries/per_second", "deliveries", "1/s", "faster", "slower", false,
       "/generator/limited"},
      {"hold_rate_per_second", "/hold_rate_per_second", "hold rate", "1/s", "faster", "slower"},
      {"socket_latency_p50_us", "/socket_latency/p50_us", "latency at the socket p50", "us", "slower",
       "faster"},
      {"socket_latency_p99_us", "/socket_latency/p99_us", "latency at the socket p99", "us", "slower",
       "faster"},
      {"socket_latency_max_us", "/socket_latency/max_us", "latency at the socket max", "us", "slower",
       "faster", true},
      {"latency_p50_us", "/latency/p50_us", "latency p50", "us", "slower", "faster"},
      {"latency_p90_us", "/latency/p90_us", "latency p90", "us", "slower", "faster"},
      {"latency_p99_us", "/latency/p99_us", "latency p99", "us", "slower", "faster"},
      {"latency_p99_9_us", "/latency/p99_9_us", "latency p99.9", "us", "slower", "faster"},
      {"latency_max_us", "/latency/max_us", "latency max", "us", "slower", "faster", true},
      {"other_latency_p50_us", "/other_latency/p50_us", "others' latency p50", "us", "slower", "faster"},
      {"other_latency_p99_us", "/other_latency/p99_us", "others' latency p99", "us", "slower", "faster"},
      {"other_latency_max_us", "/other_latency/max_us", "others' latency max", "us", "slower", "faster",
       true},
      {"skew_p50_us", "/skew/p50_us", "skew p50", "us", "more", "less"},
      {"skew_p99_us", "/skew/p99_us", "skew p99", "us", "more", "less"},
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
      {"response_bytes", "/deliveries/response_bytes", "bytes of a response", "bytes", "more", "less"},
      {"lost", "/deliveries/lost", "lost deliveries", "1", "more", "less"}};
  return kFigures;
}

ByRepeat values_by_repeat(const boost::json::value& result, std::string_view pointer, const char* status) {
  ByRepeat values;
  for (const boost::json::value& repeat : array_at(result, "/repeats"))
    if (const auto number = number_at(repeat, pointer); number && text_at(repeat, "/status") == status)
      values[static_cast<int>(*number_at(repeat, "/repeat"))] = *number;
  return values;
}

std::optional<FigureValue> figure_value(const boost::json::value& result, const Figure& figure,
                                        const char* status) {
  std::vector<double> values;
  for (const auto& [repeat, value] : values_by_repeat(result, figure.pointer, status))
    values.push_back(value);
  if (values.empty()) return std::nullopt;
  if (!figure.largest) return FigureValue{bootstrap_median(values), values.size()};
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return FigureValue{{*high, *low, *high}, values.size()};
}

bool is_bounded(const boost::json::value& result, const Figure& figure) {
  if (*figure.bounded == '\0') return false;
  const auto& repeats = array_at(result, "/repeats");
  return std::any_of(repeats.begin(), repeats.end(), [&figure](const boost::json::value& repeat) {
    return text_at(repeat, "/status") == "complete" && flag_at(repeat, figure.bounded);
  });
}

const std::vector<Figure>& floor_ratio_figures() {
  static const std::vector<Figure> kFigures{
      {"floor_ratio_cpu", "/server/cpu_us_per_delivery", "CPU per delivery, x floor", "1", "more", "less"},
      {"floor_ratio_reach", "/phases/reached_sockets_ms", "time to reach everybody, x floor", "1", "slower",
       "faster", false, "/phases/delivery/bounded"}};
  return kFigures;
}

std::string floor_of(const boost::json::value& result) {
  const std::string name = text_at(result, "/floor");
  return name.empty() ? "floor" : name;
}

std::optional<FigureValue> floor_ratio(const boost::json::value& result, const boost::json::value& floor,
                                       const Figure& figure) {
  const auto ratios =
      ratios_by_repeat(values_by_repeat(result, figure.pointer), values_by_repeat(floor, figure.pointer));
  if (ratios.empty()) return std::nullopt;
  return FigureValue{bootstrap_median(ratios), ratios.size()};
}

}  // namespace comet::loadgen
