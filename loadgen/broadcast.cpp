// The broadcast scenario: see broadcast.hpp.
#include "loadgen/broadcast.hpp"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "loadgen/clock.hpp"
#include "loadgen/errors.hpp"
#include "loadgen/kernel_memory.hpp"
#include "loadgen/kernel_network.hpp"
#include "loadgen/process_tree.hpp"
#include "loadgen/signals.hpp"
#include "loadgen/smoke.hpp"
#include "loadgen/subscribers.hpp"

namespace comet {
namespace {

constexpr std::int64_t kConnectsInFlight =
    64;  // connected or connecting, not yet held; under a backlog of 128
constexpr std::int64_t kHoldTimeout = 10 * kSecond;    // without one more being held
constexpr std::int64_t kDeliverTimeout = 5 * kSecond;  // without one more delivery
constexpr std::int64_t kDescriptorsBesides = 32;

struct Ceiling : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::int64_t own_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

std::int64_t own_context_switches() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw + usage.ru_nivcsw;
}

std::string list(const std::map<std::string, std::int64_t>& events) {
  std::string text;
  for (const auto& [kind, count] : events) text += ", " + kind + " x" + with_commas(count);
  return text;
}

class Broadcast {
 public:
  Broadcast(const ServerUnderTest& server, const BroadcastOptions& options, Progress& progress,
            Measurement& result)
      : server_(server),
        options_(options),
        progress_(progress),
        result_(result),
        control_(server.endpoint),
        publisher_(server.endpoint),
        subscribers_(server.endpoint, options.channel, static_cast<std::size_t>(options.held)) {}

  // Also on the way out by an exception.
  ~Broadcast() { result_.events = subscribers_.events(); }

  void run();

 private:
  void check_descriptor_limit() const;
  void check_alive() const;
  void read_memory(std::optional<std::int64_t> MemoryFigures::*moment);
  void hold_all();
  void run_rounds();
  void run_round();
  void deliver(Round& round);
  void take_counts(Round& round, std::int64_t intended_ns) const;
  void wait_until_held();
  std::int64_t held() { return held_by_server(control_) - held_before_; }

  const ServerUnderTest& server_;
  const BroadcastOptions& options_;
  Progress& progress_;
  Measurement& result_;
  HttpClient control_;
  HttpClient publisher_;
  Subscribers subscribers_;
  std::int64_t held_before_ = 0;  // by others
  std::int64_t delivered_ = 0;
  std::uint32_t round_ = 0;
};

void Broadcast::run() {
  check_descriptor_limit();
  held_before_ = held_by_server(control_);
  progress_.phase("memory at rest");
  read_memory(&MemoryFigures::at_rest);
  hold_all();
  progress_.phase("memory at hold");
  read_memory(&MemoryFigures::before_rounds);
  run_rounds();
  progress_.phase("memory after rounds");
  read_memory(&MemoryFigures::after_rounds);
  if (subscribers_.failed() > 0)
    throw std::runtime_error(with_commas(static_cast<std::int64_t>(subscribers_.failed())) +
                             " connections were lost" + list(subscribers_.events()));
}

void Broadcast::check_descriptor_limit() const {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) throw std::runtime_error(system_error_text("getrlimit"));
  const auto most =
      static_cast<std::int64_t>(std::min<rlim_t>(limit.rlim_cur, INT32_MAX)) - kDescriptorsBesides;
  if (options_.held > most)
    throw Ceiling("the load generator's open-file limit allows " + with_commas(most) +
                  " held requests (ulimit -Hn)");
}

void Broadcast::check_alive() const {
  throw_if_interrupted();
  if (const auto death = server_.death()) throw std::runtime_error("the server " + *death);
}

void Broadcast::read_memory(std::optional<std::int64_t> MemoryFigures::*moment) {
  result_.kernel.*moment = settled_kernel_memory();
  if (server_.root) result_.user.*moment = proportional_set_size(process_tree(*server_.root));
}

void Broadcast::hold_all() {
  progress_.phase("connecting");
  const std::int64_t start = now_ns();
  std::int64_t last_progress = start;
  for (;;) {
    check_alive();
    const std::int64_t now_held = held();
    if (now_held != result_.held) last_progress = now_ns();
    result_.held = now_held;
    progress_.counts(now_held, 0);
    if (now_held == options_.held) break;
    const auto failed = static_cast<std::int64_t>(subscribers_.failed());
    const auto opened = static_cast<std::int64_t>(subscribers_.opened());
    const bool all_said = opened == options_.held && now_held + failed == opened;
    if (all_said || now_ns() - last_progress > kHoldTimeout) {
      read_memory(&MemoryFigures::before_rounds);
      throw Ceiling("held " + with_commas(now_held) + " of " + with_commas(options_.held) +
                    (all_said ? "" : " and no more within 10 s") + list(subscribers_.events()));
    }
    const std::int64_t in_flight = opened - failed - now_held;
    if (in_flight < kConnectsInFlight)
      subscribers_.open(static_cast<std::size_t>(kConnectsInFlight - std::max<std::int64_t>(0, in_flight)));
    while (subscribers_.poll(1) > 0) continue;
  }
  result_.connect_seconds = static_cast<double>(now_ns() - start) / kSecond;
}

void Broadcast::run_rounds() {
  progress_.phase("rounds");
  run_round();
  result_.latencies_ns.clear();  // the warm-up's

  ProcessCost before;
  if (server_.root) {
    const auto tree = process_tree(*server_.root);
    before = process_cost(tree);
    result_.processes = static_cast<std::int64_t>(tree.size());
    result_.threads = before.threads;
  }
  const auto network = kernel_network();
  const std::int64_t switches = own_context_switches();
  const std::int64_t cpu = own_cpu_ns();
  const std::int64_t start = now_ns();
  const std::int64_t end = start + static_cast<std::int64_t>(options_.seconds * kSecond);
  const auto enough = [&](int count) {
    return options_.rounds ? count >= *options_.rounds : count >= kMinimumRounds && now_ns() >= end;
  };
  for (int count = 0; !enough(count); ++count) run_round();
  result_.wall_ns = now_ns() - start;
  result_.generator_cpu_ns = own_cpu_ns() - cpu;
  result_.generator_context_switches = own_context_switches() - switches;
  if (const auto after = kernel_network(); network && after) {
    result_.retransmitted = after->retransmitted - network->retransmitted;
    result_.dropped = after->dropped - network->dropped;
  }
  if (server_.root) {
    const ProcessCost after = process_cost(process_tree(*server_.root));
    result_.server_cpu_ns = after.cpu_ns - before.cpu_ns;
    result_.server_context_switches = after.context_switches - before.context_switches;
  }
}

void Broadcast::run_round() {
  const std::string request = post_request(server_.endpoint, "/publish?channel=" + options_.channel,
                                           Subscribers::message_body(++round_));
  Round& round = result_.rounds.emplace_back();
  round.expected = static_cast<std::int64_t>(subscribers_.waiting());
  publisher_.connect();
  const std::int64_t intended_ns = now_ns();
  subscribers_.begin_round(round_, intended_ns, result_.latencies_ns);
  publisher_.send(request);
  deliver(round);
  wait_until_held();
  round.duration_ns = now_ns() - intended_ns;
  while (subscribers_.poll(0) > 0) continue;  // what came a second time
  take_counts(round, intended_ns);
  delivered_ += round.delivered;
  progress_.counts(result_.held, delivered_);
}

void Broadcast::take_counts(Round& round, std::int64_t intended_ns) const {
  const RoundCounts& counts = subscribers_.counts();
  round.delivered = counts.delivered;
  round.lost = round.expected - counts.delivered;
  round.duplicate = counts.duplicate;
  round.wrong = counts.wrong;
  if (counts.delivered == 0) return;
  round.first_ns = counts.first_ns - intended_ns;
  round.last_ns = counts.last_ns - intended_ns;
}

// Until all that are waiting have the message, or no more come.
void Broadcast::deliver(Round& round) {
  std::optional<Response> answer;
  const std::size_t failed_before = subscribers_.failed();
  const std::int64_t start = now_ns();
  const auto outstanding = [&] {
    return round.expected - subscribers_.counts().delivered -
           static_cast<std::int64_t>(subscribers_.failed() - failed_before);
  };
  while (outstanding() > 0) {
    if (subscribers_.poll(100) > 0) continue;
    check_alive();
    if (!answer && publisher_.readable()) answer = publisher_.receive();
    if (answer && answer->status != 200) break;
    if (now_ns() - std::max(start, subscribers_.counts().last_ns) > kDeliverTimeout) break;
  }
  take_counts(round, start);  // kept even when what follows fails
  if (!answer) answer = publisher_.receive();
  if (answer->status != 200)
    throw std::runtime_error("/publish was answered " + std::to_string(answer->status));
  round.receivers = answer->receivers;
}

void Broadcast::wait_until_held() {
  std::int64_t last_held = -1;
  std::int64_t last_progress = now_ns();
  auto pause = std::chrono::microseconds(50);
  for (;;) {
    const std::int64_t now_held = held();
    const auto waiting = static_cast<std::int64_t>(subscribers_.waiting());
    if (now_held == waiting) return;
    check_alive();
    if (now_held != last_held) last_progress = now_ns();
    last_held = now_held;
    if (now_ns() - last_progress > kHoldTimeout)
      throw std::runtime_error("/stats says " + with_commas(now_held) + " held where " +
                               with_commas(waiting) + " are waiting" + list(subscribers_.events()));
    subscribers_.poll(0);
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(2000));
  }
}

}  // namespace

void run_broadcast(const ServerUnderTest& server, const BroadcastOptions& options, Progress& progress,
                   Measurement& result) {
  result.held_wanted = options.held;
  try {
    Broadcast scenario(server, options, progress, result);
    scenario.run();
  } catch (const Interrupted&) {
    throw;
  } catch (const Ceiling& ceiling) {
    result.status = Status::kCeiling;
    result.note = ceiling.what();
  } catch (const std::exception& error) {
    result.status = Status::kFailed;
    const auto death = server.death();
    result.note = death ? "the server " + *death : error.what();
  }
}

}  // namespace comet
