// What all scenarios have in common: see trial.hpp.
#include "loadgen/driver/trial.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "loadgen/clock.hpp"
#include "loadgen/machine/kernel_memory.hpp"
#include "loadgen/machine/system_calls.hpp"
#include "loadgen/numbers.hpp"
#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

constexpr std::int64_t kConnectsInFlight = 64;       // of one server, not held yet; below a backlog of 128
constexpr std::int64_t kHoldTimeout = 10 * kSecond;  // since the number of held requests last changed
constexpr std::int64_t kLeaveTimeout = 5 * kSecond;  // since the number of clients last changed

std::string list(const std::map<std::string, std::int64_t>& events) {
  std::string text;
  for (const auto& [kind, count] : events) text += ", " + kind + " x" + with_commas(count);
  return text;
}

SubscriberSettings settings_for(const Scenario& scenario, std::int64_t connections) {
  SubscriberSettings settings;
  settings.count = static_cast<std::uint32_t>(connections);
  settings.channels = static_cast<std::uint32_t>(scenario.channels);
  settings.cursors = scenario.cursors;
  settings.rounds = scenario.kind == Kind::kBroadcast || scenario.kind == Kind::kHold;
  settings.ask_when_told = settings.rounds && !scenario.ask_at_once;
  return settings;
}

}  // namespace

PreciseTimers::PreciseTimers() : before_ns_(prctl(PR_GET_TIMERSLACK)) { prctl(PR_SET_TIMERSLACK, 1); }

PreciseTimers::~PreciseTimers() {
  if (before_ns_ > 0) prctl(PR_SET_TIMERSLACK, before_ns_);
}

Trial::Trial(const ServerUnderTest& server, const Scenario& scenario, std::int64_t connections,
             int client_processes, Progress& progress, Measurement& result)
    : server_(server),
      scenario_(scenario),
      progress_(progress),
      result_(result),
      control_(server.endpoints),
      publisher_(server.publish_to),
      clocks_(server.roots) {
  clients_ = std::make_unique<ClientProcesses>(settings_for(scenario, connections), server.endpoints,
                                               client_processes);
  result_.generator.processes = clients_->size();
  if (server.before) wait_until_left(*server.before);
  held_by_others_ = held_by_server(control_);
  progress_.phase("memory at rest");
  read_memory(&MemoryFigures::at_rest);
}

Trial::~Trial() {
  try {
    result_.errors = clients_->collect().events;
  } catch (const std::exception&) {
    // A client process has ended; the note says so.
  }
  const ClientTotals totals = clients_->totals();
  if (stop_signals() > 0)
    result_.deliveries.expected = totals.delivered;  // interrupted deliveries are not lost
  result_.deliveries.delivered = totals.delivered;
  result_.deliveries.duplicate = totals.duplicate;
  result_.deliveries.wrong = totals.wrong;
  if (totals.response_bytes > 0) result_.deliveries.response_bytes = totals.response_bytes;
  result_.deliveries.lost = std::max<std::int64_t>(0, result_.deliveries.expected - totals.delivered);
}

// Waits until the clients of the previous trial have left. Otherwise they would count as other clients, and
// their memory as memory at rest.
void Trial::wait_until_left(const ClientCount& before) {
  progress_.phase("previous clients leave");
  ClientCount last;
  std::int64_t last_progress = now_ns();
  for (;;) {
    check_alive();
    const ClientCount now = count_clients(control_);
    if (now.held <= before.held && now.connections <= before.connections) return;
    if (now.held != last.held || now.connections != last.connections) last_progress = now_ns();
    last = now;
    if (now_ns() - last_progress > kLeaveTimeout) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  result_.note = "began with " + with_commas(last.held) + " held";
  if (last.connections) result_.note += " on " + with_commas(*last.connections) + " connections";
  result_.note += " where the first trial began with " + with_commas(before.held);
  if (before.connections) result_.note += " on " + with_commas(*before.connections);
}

void Trial::check_alive() {
  throw_if_interrupted();
  clients_->check_alive();
  if (const auto death = server_.death()) throw std::runtime_error("the server " + *death);
}

void Trial::check_connections() const {
  const std::int64_t failed = clients_->totals().failed;
  if (failed > 0) throw std::runtime_error(with_commas(failed) + " connections were lost");
}

std::optional<std::int64_t> Trial::user_bytes() const {
  return server_.roots.empty() ? std::nullopt : proportional_set_size(process_tree(server_.roots));
}

void Trial::read_memory(std::optional<std::int64_t> MemoryFigures::*moment) {
  result_.kernel.*moment = settled_kernel_memory();
  result_.user.*moment = user_bytes();
  result_.generator.user.*moment = clients_->user_bytes();
}

std::int64_t Trial::held() { return held_by_server(control_) - held_by_others_; }

void Trial::hold(std::int64_t count) {
  progress_.phase("connecting");
  const std::int64_t most_in_flight = kConnectsInFlight * static_cast<std::int64_t>(control_.size());
  const std::int64_t start = now_ns();
  std::int64_t last_progress = start;
  for (;;) {
    check_alive();
    const ClientTotals clients = clients_->totals();
    const std::int64_t now_held = held();
    if (now_held != result_.held) last_progress = now_ns();
    result_.held = now_held;
    progress_.counts(now_held, 0);
    if (now_held == count) break;
    const bool all_said = clients.opened == count && now_held + clients.failed == count;
    if (all_said || now_ns() - last_progress > kHoldTimeout) {
      read_memory(&MemoryFigures::held);
      throw Ceiling("held " + with_commas(now_held) + " of " + with_commas(count) +
                    (all_said ? "" : " and no more within 10 s") + list(clients_->collect().events));
    }
    const std::int64_t in_flight = connections_asked_ - clients.failed - now_held;
    if (in_flight < most_in_flight && connections_asked_ < count)
      connections_asked_ += clients_->open(
          std::min(most_in_flight - std::max<std::int64_t>(0, in_flight), count - connections_asked_));
    std::this_thread::sleep_for(std::chrono::microseconds(300));
  }
  result_.connect_seconds =
      result_.connect_seconds.value_or(0) + static_cast<double>(now_ns() - start) / kSecond;
  result_.hold_rate = static_cast<double>(count) / *result_.connect_seconds;
}

int Trial::wait_until_all_held() {
  std::int64_t last_held = -1;
  const std::int64_t start = now_ns();
  std::int64_t last_progress = start;
  for (int asked = 1;; ++asked) {
    const ClientTotals clients = clients_->totals();
    const std::int64_t subscribed = clients.subscribed();
    const std::int64_t now_held = held();
    // The server may still hold the request of a connection that has been replaced.
    if (now_held == subscribed && clients.waiting == subscribed) return asked;
    check_alive();
    if (now_held != last_held) last_progress = now_ns();
    last_held = now_held;
    if (now_ns() - last_progress > kHoldTimeout)
      throw std::runtime_error("/stats says " + with_commas(now_held) + " held where " +
                               with_commas(subscribed) + " are waiting" + list(clients_->collect().events));
    // Seldom, so that answering costs the server little, and often enough that the end is known
    // to a fiftieth.
    const std::int64_t pause_ns = std::max<std::int64_t>(50'000, (now_ns() - start) / 50);
    std::this_thread::sleep_for(std::chrono::nanoseconds(pause_ns));
  }
}

KernelCounts Trial::read_counts() {
  KernelCounts counts;
  counts.network = kernel_network();
  if (server_.roots.empty()) return counts;
  clocks_.find_processes();
  counts.server = thread_counts(clocks_.processes());
  result_.server.processes = static_cast<std::int64_t>(clocks_.processes().size());
  result_.server.threads = counts.server->threads;
  result_.server.descriptors = open_descriptors(clocks_.processes());
  return counts;
}

// The CPU clocks are read last here and first in stop_costs(), so that no scan of /proc is in the timed part.
void Trial::start_costs() {
  idle_ns_ = 0;
  counts_before_ = read_counts();
  cores_before_ = core_times();
  cpu_before_ = read_cpu();
  clients_->schedule().timed = true;
}

void Trial::stop_costs() {
  cpu_after_ = read_cpu();
  result_.cores = core_use(cores_before_, core_times());
  clients_->schedule().timed = false;
  counts_after_ = read_counts();
}

double Trial::machine_cores() { return static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)); }

void Trial::count_system_calls(const std::function<void()>& deliver) {
  if (server_.roots.size() != 1) return;
  progress_.phase("system calls");
  const SystemCallCount count(process_tree(server_.roots));
  const auto before = count.read();
  if (!before) return;
  const std::int64_t delivered = clients_->totals().delivered;
  deliver();
  const std::int64_t deliveries = clients_->totals().delivered - delivered;
  const auto after = count.read();
  if (after && deliveries > 0)
    result_.server.system_calls = static_cast<double>(*after - *before) / static_cast<double>(deliveries);
}

Samples Trial::take_samples(std::optional<CpuUse> use) {
  Samples samples = clients_->collect();
  if (!use) {
    use = used_between(cpu_before_, cpu_after_);
    use->wall_ns -= idle_ns_;
  }
  const auto deliveries = static_cast<std::int64_t>(samples.latencies_ns.size());
  set_cpu(*use, deliveries, machine_cores(), result_);
  set_counts(counts_before_, counts_after_, deliveries, result_);
  result_.latency = distribution_of(samples.latencies_ns);
  result_.socket_latency = distribution_of(samples.socket_latencies_ns);
  if (const auto lags = distribution_of(samples.lags_ns)) result_.generator.lag_p99_us = lags->p99_us;
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> messages;  // first and last over all clients
  for (std::size_t i = 0; i + 2 < samples.spans.size(); i += 3) {
    const std::int64_t first = samples.spans[i + 1];
    const std::int64_t last = samples.spans[i + 2];
    const auto [found, added] = messages.try_emplace(samples.spans[i], first, last);
    if (!added) found->second = {std::min(found->second.first, first), std::max(found->second.second, last)};
  }
  std::vector<std::int64_t> skews;
  for (const auto& [number, span] : messages) skews.push_back(span.second - span.first);
  result_.skew = distribution_of(skews);
  return samples;
}

}  // namespace comet::loadgen
