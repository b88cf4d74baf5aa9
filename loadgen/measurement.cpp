// From raw figures to the summary: see measurement.hpp.
#include "loadgen/measurement.hpp"

#include <algorithm>

#include "loadgen/statistics.hpp"

namespace comet {
namespace {

constexpr double kLimitedShare = 0.95;  // of one core

void summarize_rates(const Measurement& measurement, Summary& summary) {
  std::vector<double> rates;
  std::int64_t delivered = 0;
  std::int64_t duration_ns = 0;
  for (std::size_t i = 1; i < measurement.rounds.size(); ++i) {
    const Round& round = measurement.rounds[i];
    if (round.duration_ns == 0) continue;  // broken off
    delivered += round.delivered;
    duration_ns += round.duration_ns;
    rates.push_back(static_cast<double>(round.delivered) * 1e9 / static_cast<double>(round.duration_ns));
  }
  if (rates.empty()) return;
  summary.rate_total = static_cast<double>(delivered) * 1e9 / static_cast<double>(duration_ns);
  summary.rate_median = median(rates);
  summary.rate_minimum = *std::min_element(rates.begin(), rates.end());
  summary.rate_maximum = *std::max_element(rates.begin(), rates.end());
}

void summarize_latency(const Measurement& measurement, Summary& summary) {
  if (measurement.latencies_ns.empty()) return;
  std::vector<std::int64_t> sorted = measurement.latencies_ns;
  std::sort(sorted.begin(), sorted.end());
  const auto at = [&sorted](double percent) {
    return static_cast<double>(percentile(sorted, percent)) / 1e3;
  };
  summary.latency_p50_us = at(50);
  summary.latency_p90_us = at(90);
  summary.latency_p99_us = at(99);
  summary.latency_p999_us = at(99.9);
  summary.latency_max_us = at(100);
}

void summarize_cost(const Measurement& measurement, Summary& summary) {
  const auto deliveries = static_cast<double>(measurement.latencies_ns.size());
  const auto wall = static_cast<double>(measurement.wall_ns);
  if (deliveries == 0 || wall == 0) return;
  const auto generator_cpu = static_cast<double>(measurement.generator_cpu_ns);
  summary.generator_cpu_us = generator_cpu / 1e3 / deliveries;
  summary.generator_cores = generator_cpu / wall;
  summary.generator_context_switches =
      static_cast<double>(measurement.generator_context_switches) / deliveries;
  if (measurement.server_cpu_ns) {
    const auto server_cpu = static_cast<double>(*measurement.server_cpu_ns);
    summary.server_cpu_us = server_cpu / 1e3 / deliveries;
    summary.server_cores = server_cpu / wall;
  }
  if (measurement.server_context_switches)
    summary.server_context_switches = static_cast<double>(*measurement.server_context_switches) / deliveries;
  summary.generator_limited =
      *summary.generator_cores > kLimitedShare && summary.server_cores.value_or(0) < kLimitedShare;
}

std::optional<double> per_held(std::optional<std::int64_t> bytes, const MemoryFigures& memory,
                               std::int64_t held) {
  if (!bytes || !memory.at_rest || held == 0) return std::nullopt;
  return static_cast<double>(*bytes - *memory.at_rest) / static_cast<double>(held);
}

}  // namespace

Summary summarize(const Measurement& measurement) {
  Summary summary;
  for (const Round& round : measurement.rounds) {
    summary.expected += round.expected;
    summary.delivered += round.delivered;
    summary.lost += round.lost;
    summary.duplicate += round.duplicate;
    summary.wrong += round.wrong;
  }
  summarize_rates(measurement, summary);
  summarize_latency(measurement, summary);
  summarize_cost(measurement, summary);
  const MemoryFigures& user = measurement.user;
  const MemoryFigures& kernel = measurement.kernel;
  summary.user_bytes_before = per_held(user.before_rounds, user, measurement.held);
  summary.user_bytes_after = per_held(user.after_rounds, user, measurement.held);
  summary.kernel_bytes_before = per_held(kernel.before_rounds, kernel, measurement.held);
  summary.kernel_bytes_after = per_held(kernel.after_rounds, kernel, measurement.held);
  return summary;
}

Result::Result(Measurement measured) : measurement(std::move(measured)), summary(summarize(measurement)) {
  measurement.latencies_ns = {};
}

}  // namespace comet
