// The steady, channels and blocking scenarios: messages at a fixed rate, whatever the server does; in
// blocking also requests of others at a fixed rate. See scenarios.hpp.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "loadgen/client_socket.hpp"
#include "loadgen/clock.hpp"
#include "loadgen/message.hpp"
#include "loadgen/paced_requests.hpp"
#include "loadgen/scenarios.hpp"

namespace comet {
namespace {

constexpr std::int64_t kDeliverTimeout = 5 * kSecond;  // without one more delivery
constexpr std::int64_t kQuiet = 2 * kSecond;      // all held and no delivery for so long: the rest is lost
constexpr std::int64_t kLead = 5 * kMillisecond;  // from the plan to its first request

class Steady {
 public:
  Steady(Trial& trial, std::int64_t held) : trial_(trial), held_(held), others_(trial.server().endpoint) {}

  // Publishes at the scenario's rate and waits until what can arrive has arrived.
  void publish(std::int64_t count, bool with_others);
  // One message to each channel, at least 5.
  std::int64_t few() const { return std::max<std::int64_t>(5, trial_.scenario().channels); }
  std::int64_t start_ns() const { return start_ns_; }

 private:
  std::string request(std::int64_t message);
  std::int64_t subscribers_of(std::int64_t message) const;
  void wait_for_deliveries();

  Trial& trial_;
  std::int64_t held_;
  HttpClient others_;
  std::int64_t start_ns_ = 0;
};

std::int64_t Steady::subscribers_of(std::int64_t message) const {
  const std::int64_t channels = trial_.scenario().channels;
  return held_ / channels + (message % channels < held_ % channels ? 1 : 0);
}

std::string Steady::request(std::int64_t message) {
  const std::int64_t channels = trial_.scenario().channels;
  const auto channel = static_cast<std::uint32_t>(message % channels);
  const auto sequence = static_cast<std::uint32_t>(message / channels + 1);
  trial_.clients().schedule().published = message + 1;
  trial_.result().deliveries.expected += subscribers_of(message);
  return post_request(trial_.server().endpoint,
                      "/publish?channel=" + channel_name(channel, static_cast<std::size_t>(channels)),
                      message_body({channel, sequence}));
}

void Steady::publish(std::int64_t count, bool with_others) {
  const Scenario& scenario = trial_.scenario();
  Schedule& schedule = trial_.clients().schedule();
  const std::int64_t first = schedule.published;
  start_ns_ = now_ns() + kLead;
  const Pace pace{start_ns_, std::llround(kSecond / scenario.publishes_per_second), count};
  schedule.base_message = first;
  schedule.base_ns = pace.start_ns;
  schedule.interval_ns = pace.interval_ns;
  PacedRequests publisher(trial_.publisher(), pace, 200, [&](std::int64_t i) { return request(first + i); });
  std::vector<PacedRequests*> all{&publisher};

  const std::int64_t other_interval =
      std::llround(kSecond / std::max(1e-3, scenario.other_requests_per_second));
  const Pace other_pace{start_ns_, other_interval, count * pace.interval_ns / other_interval};
  PacedRequests others(others_, other_pace, 204, [&](std::int64_t) {
    return get_request(trial_.server().endpoint, "/subscribe?channel=others&timeout=0");
  });
  if (with_others) all.push_back(&others);
  run_paced(all, [this] {
    trial_.check_alive();
    trial_.progress().counts(trial_.result().held, trial_.clients().totals().delivered);
  });
  wait_for_deliveries();
  auto lags = publisher.lags();
  trial_.result().publish_lag = distribution_of(lags);
  auto latencies = others.latencies();
  if (with_others) trial_.result().other_latency = distribution_of(latencies);
}

void Steady::wait_for_deliveries() {
  std::int64_t last_delivered = -1;
  std::int64_t last_progress = now_ns();
  for (;;) {
    trial_.check_alive();
    const ClientTotals totals = trial_.clients().totals();
    if (totals.delivered >= trial_.result().deliveries.expected) return;
    if (totals.delivered != last_delivered) last_progress = now_ns();
    last_delivered = totals.delivered;
    const std::int64_t still = now_ns() - last_progress;
    if (still > kDeliverTimeout || (still > kQuiet && trial_.held() == totals.subscribed()))
      return trial_.leave_out(still);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Over the planned time, or until the last delivery where that took longer.
void set_rate(Trial& trial, const Samples& samples, std::int64_t start_ns, std::int64_t planned_ns) {
  std::int64_t last_ns = start_ns + planned_ns;
  for (std::size_t i = 2; i < samples.spans.size(); i += 3) last_ns = std::max(last_ns, samples.spans[i]);
  const double seconds = static_cast<double>(last_ns - start_ns) / kSecond;
  trial.result().duration_seconds = seconds;
  trial.result().deliveries.per_second = static_cast<double>(samples.latencies_ns.size()) / seconds;
}

}  // namespace

void run_steady(Trial& trial, std::int64_t held) {
  const Scenario& scenario = trial.scenario();
  trial.hold(held);
  trial.progress().phase("memory at hold");
  trial.read_memory(&MemoryFigures::held);
  trial.progress().phase("publishing");
  Steady steady(trial, held);
  steady.publish(scenario.channels, false);  // the warm-up
  trial.wait_until_all_held();

  const auto count =
      std::max<std::int64_t>(1, std::llround(scenario.duration_seconds * scenario.publishes_per_second));
  trial.start_costs();
  steady.publish(count, scenario.kind == Kind::kBlocking);
  trial.stop_costs();
  const auto each = static_cast<double>(held) / static_cast<double>(scenario.channels);
  trial.result().deliveries.offered_per_second = scenario.publishes_per_second * each;
  const auto lag = trial.result().publish_lag;
  const auto planned_ns = std::llround(static_cast<double>(count) / scenario.publishes_per_second * kSecond);
  set_rate(trial, trial.take_samples(), steady.start_ns(), planned_ns);

  trial.wait_until_all_held();
  trial.read_memory(&MemoryFigures::after);
  trial.count_system_calls([&] { steady.publish(steady.few(), false); });
  trial.result().publish_lag = lag;
  const std::int64_t failed = trial.clients().totals().failed;
  if (failed > 0) throw std::runtime_error(with_commas(failed) + " connections were lost");
}

}  // namespace comet
