// The steady, channels and blocking scenarios: messages at a fixed rate, however fast the server is. In
// blocking, other requests are sent at a fixed rate too. See scenarios.hpp.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "loadgen/clients/client_socket.hpp"
#include "loadgen/clients/message.hpp"
#include "loadgen/clients/paced_requests.hpp"
#include "loadgen/driver/broadcast.hpp"
#include "loadgen/driver/scenarios.hpp"
#include "loadgen/numbers.hpp"

namespace comet::loadgen {
namespace {

// If all publishes are answered, all requests are held, and nothing was delivered for this long, what is
// missing is lost.
constexpr std::int64_t kQuietTime = 500 * kMillisecond;
constexpr std::int64_t kOverrun = 3 * kSecond;  // this long after the planned end no more publishes are sent
constexpr std::int64_t kLeadTime = 5 * kMillisecond;  // from the plan to its first request

class Steady {
 public:
  Steady(Trial& trial, std::int64_t held);

  // Publishes at the scenario's rate, and waits until all messages have arrived or are known to be lost.
  void publish(std::int64_t count);
  // The same, together with the other requests; sets the figures of both.
  void publish_timed(std::int64_t count);
  std::int64_t start_ns() const { return pace_.start_ns; }

 private:
  PacedRequests plan_publishes(std::int64_t count);
  PacedRequests plan_others();
  void run(const std::vector<PacedRequests*>& all);
  std::string request(std::int64_t message);
  std::int64_t subscribers_of(std::int64_t message) const;
  void wait_for_deliveries();

  Trial& trial_;
  std::int64_t held_;
  Connections publishers_;
  Connections others_;
  Pace pace_;                 // of the publishes
  std::int64_t missing_ = 0;  // deliveries that are counted as lost so far
};

Steady::Steady(Trial& trial, std::int64_t held)
    : trial_(trial),
      held_(held),
      publishers_(trial.server().publish_to, std::min(trial.scenario().channels, kConnectionsAtFixedRates)),
      others_(trial.server().endpoints.front(),
              trial.scenario().kind == Kind::kBlocking ? kConnectionsAtFixedRates : 0) {}

std::int64_t Steady::subscribers_of(std::int64_t message) const {
  const std::int64_t channels = trial_.scenario().channels;
  return held_ / channels + (message % channels < held_ % channels ? 1 : 0);
}

// On different connections, messages may be sent in another order than they are numbered in.
std::string Steady::request(std::int64_t message) {
  const std::int64_t channels = trial_.scenario().channels;
  const auto channel = static_cast<std::uint32_t>(message % channels);
  const auto sequence = static_cast<std::uint32_t>(message / channels + 1);
  Schedule& schedule = trial_.clients().schedule();
  schedule.published = std::max<std::int64_t>(schedule.published, message + 1);
  trial_.result().deliveries.expected += subscribers_of(message);
  return post_request(trial_.server().publish_to,
                      "/publish?channel=" + channel_name(channel, static_cast<std::size_t>(channels)),
                      message_body({channel, sequence}));
}

PacedRequests Steady::plan_publishes(std::int64_t count) {
  const Scenario& scenario = trial_.scenario();
  Schedule& schedule = trial_.clients().schedule();
  // The first number is a multiple of the number of channels, so that request i belongs to channel
  // i % channels.
  const std::int64_t first =
      (schedule.published + scenario.channels - 1) / scenario.channels * scenario.channels;
  pace_ = {now_ns() + kLeadTime, std::llround(kSecond / scenario.publishes_per_second), count};
  pace_.last_ns = pace_.due_ns(count) + kOverrun;
  schedule.base_message = first;
  schedule.base_ns = pace_.start_ns;
  schedule.interval_ns = pace_.interval_ns;
  return {publishers_, scenario.channels, pace_, 200,
          [this, first](std::int64_t i) { return request(first + i); }};
}

PacedRequests Steady::plan_others() {
  const double rate = trial_.scenario().other_requests_per_second;
  Pace pace = pace_;
  pace.interval_ns = rate > 0 ? std::llround(kSecond / rate) : 0;
  pace.count = rate > 0 ? pace_.count * pace_.interval_ns / pace.interval_ns : 0;
  return {others_, kConnectionsAtFixedRates, pace, 204, [this](std::int64_t) {
            return get_request(trial_.server().endpoints.front(), "/subscribe?channel=others&timeout=0");
          }};
}

void Steady::run(const std::vector<PacedRequests*>& all) {
  run_paced(all, [this] {
    trial_.check_alive();
    trial_.progress().counts(trial_.result().held, trial_.clients().totals().delivered);
  });
  wait_for_deliveries();
}

void Steady::publish(std::int64_t count) {
  PacedRequests publishes = plan_publishes(count);
  run({&publishes});
}

void Steady::publish_timed(std::int64_t count) {
  PacedRequests publishes = plan_publishes(count);
  PacedRequests others = plan_others();
  run({&publishes, &others});
  Measurement& result = trial_.result();
  const auto sent = static_cast<std::int64_t>(publishes.lags().size());
  result.publishes = {count, sent, publishes.waited()};
  result.publish_lag = distribution_of(publishes.lags());
  result.other_latency = distribution_of(others.latencies());
  if (sent < count)
    result.add_note(
        with_commas(count - sent) + " of " + with_commas(count) +
        " publishes could not be sent within 3 s of the planned end: the server answers them too slowly");
}

void Steady::wait_for_deliveries() {
  const std::int64_t expected = trial_.result().deliveries.expected;
  std::int64_t last_delivered = -1;
  std::int64_t last_progress = now_ns();
  for (;;) {
    trial_.check_alive();
    const ClientTotals totals = trial_.clients().totals();
    if (totals.delivered >= expected - missing_) return;
    if (totals.delivered != last_delivered) last_progress = now_ns();
    last_delivered = totals.delivered;
    const std::int64_t idle_ns = now_ns() - last_progress;
    if (idle_ns > kDeliverTimeout || (idle_ns > kQuietTime && trial_.held() == totals.subscribed())) {
      missing_ = expected - totals.delivered;
      return trial_.exclude_idle_time(idle_ns);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Over the planned time, or until the last delivery if that came later.
void set_rate(Trial& trial, const Samples& samples, std::int64_t start_ns, std::int64_t planned_ns) {
  std::int64_t last_ns = start_ns + planned_ns;
  for (std::size_t i = 2; i < samples.spans.size(); i += 3) last_ns = std::max(last_ns, samples.spans[i]);
  const double seconds = static_cast<double>(last_ns - start_ns) / kSecond;
  trial.result().duration_seconds = seconds;
  trial.result().deliveries.per_second = static_cast<double>(samples.latencies_ns.size()) / seconds;
}

void publish_and_count(Trial& trial, std::int64_t held) {
  const Scenario& scenario = trial.scenario();
  Steady steady(trial, held);
  warm_up(trial, [&] {
    steady.publish(scenario.channels);
    trial.wait_until_all_held();
  });
  trial.progress().phase("publishing");

  const auto count =
      std::max<std::int64_t>(1, std::llround(scenario.duration_seconds * scenario.publishes_per_second));
  trial.start_costs();
  steady.publish_timed(count);
  trial.stop_costs();
  const double receivers_of_one = static_cast<double>(held) / static_cast<double>(scenario.channels);
  trial.result().deliveries.offered_per_second = scenario.publishes_per_second * receivers_of_one;
  const auto planned_ns = std::llround(static_cast<double>(count) / scenario.publishes_per_second * kSecond);
  set_rate(trial, trial.take_samples(), steady.start_ns(), planned_ns);

  trial.wait_until_all_held();
  // One message to each channel, at least 5.
  trial.count_system_calls([&] { steady.publish(std::max<std::int64_t>(5, scenario.channels)); });
}

}  // namespace

void run_steady(Trial& trial, std::int64_t held) {
  trial.hold(held);
  trial.progress().phase("memory at hold");
  trial.read_memory(&MemoryFigures::held);
  publish_and_count(trial, held);
  trial.wait_until_all_held();
  trial.read_memory(&MemoryFigures::after);  // without the connections of publishers and others
  trial.check_connections();
}

}  // namespace comet::loadgen
