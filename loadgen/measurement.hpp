// What one entry showed at one size: raw figures first, the summary that the table and the JSON share after.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace comet {

// One round of broadcast: one message published, received by all, all held again. Times in nanoseconds.
struct Round {
  std::int64_t duration_ns =
      0;  // from the intended publish time until /stats said that all were held again; 0: broken off
  std::int64_t expected = 0;
  std::int64_t delivered = 0;
  std::int64_t lost = 0;
  std::int64_t duplicate = 0;
  std::int64_t wrong = 0;
  std::int64_t first_ns = 0;  // latency of the first and the last delivery
  std::int64_t last_ns = 0;
  std::optional<std::int64_t> receivers;  // how many the server said it woke
};

enum class Status {
  kComplete,
  kCeiling,      // it could not hold as many as asked
  kFailed,       // not ready, not verified, died, stopped delivering
  kInterrupted,  // by the person
};

// Bytes at three moments: no clients, all held before the first round, all held after the last.
struct MemoryFigures {
  std::optional<std::int64_t> at_rest;
  std::optional<std::int64_t> before_rounds;
  std::optional<std::int64_t> after_rounds;
};

struct Measurement {
  std::string entry;
  std::string model;
  std::vector<std::string> server_command;
  std::string started_at;  // UTC, ISO 8601
  Status status = Status::kComplete;
  std::string note;  // why it is not complete
  std::int64_t held_wanted = 0;
  std::int64_t held = 0;       // by the server's own count
  double connect_seconds = 0;  // from the first connect until all were held

  std::vector<Round> rounds;               // the first is a warm-up: accounted for, not timed
  std::vector<std::int64_t> latencies_ns;  // of every delivery in the counted rounds
  std::map<std::string, std::int64_t> events;

  // Over the counted rounds.
  std::int64_t wall_ns = 0;
  std::int64_t generator_cpu_ns = 0;
  std::int64_t generator_context_switches = 0;
  std::optional<std::int64_t> server_cpu_ns;
  std::optional<std::int64_t> server_context_switches;
  std::optional<std::int64_t> processes;  // of the server, all held
  std::optional<std::int64_t> threads;

  std::optional<std::int64_t> retransmitted;  // TCP segments, system-wide
  std::optional<std::int64_t> dropped;        // packets, by a full receive queue of the kernel, system-wide

  MemoryFigures user;    // proportional set size over the server's process tree
  MemoryFigures kernel;  // system-wide

  std::optional<double> stop_seconds;
  std::optional<int> exit_status;
  bool killed = false;
};

struct Summary {
  std::int64_t expected = 0;  // these five over all rounds, the warm-up included
  std::int64_t delivered = 0;
  std::int64_t lost = 0;
  std::int64_t duplicate = 0;
  std::int64_t wrong = 0;
  // Deliveries per second: all counted rounds together, and the spread of single rounds.
  std::optional<double> rate_total, rate_median, rate_minimum, rate_maximum;
  std::optional<double> latency_p50_us, latency_p90_us, latency_p99_us, latency_p999_us, latency_max_us;
  std::optional<double> server_cpu_us;  // per delivery, as the next three
  std::optional<double> server_context_switches;
  std::optional<double> generator_cpu_us;
  std::optional<double> generator_context_switches;
  std::optional<double> server_cores;  // CPU time over wall time: 1 is one core
  std::optional<double> generator_cores;
  bool generator_limited = false;  // the generator used up its core and the server did not
  std::optional<double> user_bytes_before, user_bytes_after;  // per held request, over the value at rest
  std::optional<double> kernel_bytes_before, kernel_bytes_after;
};

Summary summarize(const Measurement& measurement);

// What is kept of a run: the raw figures without the latency samples, which may be millions, and their
// summary.
struct Result {
  explicit Result(Measurement measured);

  Measurement measurement;
  Summary summary;
};

}  // namespace comet
