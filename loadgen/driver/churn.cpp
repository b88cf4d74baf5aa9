// The churn scenario: requests arrive at a fixed rate, are held for a time and leave. See scenarios.hpp.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <thread>

#include "loadgen/clock.hpp"
#include "loadgen/driver/scenarios.hpp"
#include "loadgen/machine/kernel_memory.hpp"
#include "loadgen/numbers.hpp"

namespace comet::loadgen {
namespace {

constexpr std::int64_t kSampleInterval = 100 * kMillisecond;
constexpr std::int64_t kReleaseTimeout = 5 * kSecond;  // since the number of held requests last changed

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

// Waits until all clients have left and the server holds none of their requests.
void wait_until_released(Trial& trial, std::int64_t arrivals) {
  std::int64_t last_held = -1;
  std::int64_t last_progress = now_ns();
  for (;;) {
    trial.check_alive();
    const std::int64_t held = trial.held();
    if (held == 0 && trial.clients().totals().left == arrivals) return;
    if (held != last_held) last_progress = now_ns();
    last_held = held;
    if (now_ns() - last_progress > kReleaseTimeout)
      throw std::runtime_error("/stats says that " + with_commas(held) +
                               " are still held after all have left");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace

std::int64_t arrivals_of(const Scenario& scenario, std::int64_t held) {
  return std::llround(static_cast<double>(held) / scenario.hold_seconds * scenario.duration_seconds);
}

void run_churn(Trial& trial, std::int64_t held) {
  const Scenario& scenario = trial.scenario();
  Measurement& result = trial.result();
  const std::int64_t arrivals = arrivals_of(scenario, held);
  const double rate = static_cast<double>(held) / scenario.hold_seconds;
  const double full_seconds = scenario.hold_seconds;  // from then on as many leave as arrive
  std::vector<double> held_samples;
  std::vector<double> user_samples;
  std::vector<double> kernel_samples;

  result.points.push_back({0.0, 0, result.user.at_rest, result.kernel.at_rest});
  trial.progress().phase("churning");
  trial.start_costs();
  const std::int64_t start = now_ns();
  trial.clients().arrive(arrivals, start, kSecond / rate, std::llround(scenario.hold_seconds * kSecond));
  for (std::int64_t next = start;; next += kSampleInterval) {
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::max<std::int64_t>(0, next - now_ns())));
    trial.check_alive();
    const double at = static_cast<double>(now_ns() - start) / kSecond;
    if (at >= scenario.duration_seconds) break;
    const Point point{at, trial.held(), trial.user_bytes(), kernel_memory()};
    result.points.push_back(point);
    trial.progress().counts(point.held, 0);
    if (at < full_seconds) continue;
    held_samples.push_back(static_cast<double>(point.held));
    if (point.user_bytes) user_samples.push_back(static_cast<double>(*point.user_bytes));
    if (point.kernel_bytes) kernel_samples.push_back(static_cast<double>(*point.kernel_bytes));
  }
  if (const std::string growth =
          growth_note(result.points, scenario.hold_seconds,
                      static_cast<int>(scenario.duration_seconds / scenario.hold_seconds));
      !growth.empty())
    result.add_note(growth);
  result.held = std::llround(mean(held_samples));
  if (!user_samples.empty()) result.user.held = std::llround(mean(user_samples));
  if (!kernel_samples.empty()) result.kernel.held = std::llround(mean(kernel_samples));
  trial.stop_costs();
  result.duration_seconds = scenario.duration_seconds;
  trial.progress().phase("leaving");
  wait_until_released(trial, arrivals);
  Samples samples = trial.take_samples();
  result.publish_lag = distribution_of(samples.arrival_lags_ns);
  trial.read_memory(&MemoryFigures::after);
  result.points.push_back(
      {static_cast<double>(now_ns() - start) / kSecond, 0, result.user.after, result.kernel.after});
  result.deliveries.offered_per_second = rate;
  result.hold_rate =
      static_cast<double>(arrivals - trial.clients().totals().failed) / scenario.duration_seconds;
  trial.check_connections();
}

}  // namespace comet::loadgen
