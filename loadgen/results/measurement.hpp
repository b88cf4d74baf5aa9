// What was measured in one repeat of a scenario, for one entry at one size.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loadgen/machine/core_times.hpp"

namespace comet::loadgen {

enum class Status {
  kComplete,
  kCeiling,      // it could not hold as many as asked
  kFailed,       // not ready, not verified, died, stopped delivering
  kInterrupted,  // by the person
  kSkipped,  // it does not keep a part of the contract that the scenario needs, or cannot hold as many here
};

// Exact, from all samples.
struct Distribution {
  double p50_us = 0;
  double p90_us = 0;
  double p99_us = 0;
  double p999_us = 0;
  double max_us = 0;
  std::vector<std::pair<double, double>> curve;  // percent and microseconds, about 30 points from 0 to 100
};

// Nothing if there are no samples.
std::optional<Distribution> distribution_of(std::vector<std::int64_t> samples_ns);

struct Deliveries {
  std::int64_t expected = 0;  // like the other counts, with the warm-up
  std::int64_t delivered = 0;
  std::int64_t lost = 0;
  std::int64_t duplicate = 0;
  std::int64_t wrong = 0;
  std::optional<double> per_second;
  std::optional<double> offered_per_second;
  std::optional<std::int64_t> response_bytes;  // of one response with a message, headers included
};

// One part of a round, over all timed rounds.
struct PhaseFigures {
  double time_ms = 0;                   // median
  double longest_ms = 0;                // of any round
  double per_second = 0;                // deliveries, or requests that are held again: median
  std::optional<double> server_cpu_us;  // for one delivery
  std::optional<double> server_cores;
  double busiest_client_cores = 0;  // of the client process that used most
  bool bounded = false;             // the server might do more: see is_bounded()
};

// A round: `delivery`, from the moment the publish was due until the last subscriber has the last byte, when
// nobody asks again; `again`, from the moment when all are told to ask again until all are held; `cycle`,
// both together. Where subscribers ask again at once, only the cycle is known.
struct Phases {
  int rounds = 0;
  // As the time of `delivery`, but until the last byte is at the last subscriber's socket: without the
  // clients' own queue. The median over the rounds.
  std::optional<double> reached_sockets_ms;
  std::optional<PhaseFigures> delivery;
  std::optional<PhaseFigures> again;
  PhaseFigures cycle;
};

// At a fixed rate, in the timed part.
struct Publishes {
  std::int64_t due = 0;
  std::int64_t sent = 0;    // fewer if the server is too slow, because there is an end to sending
  std::int64_t waited = 0;  // sent late, because the previous one on its connection was not answered yet
};

// What the server used, over the timed part and per delivery in it.
struct ServerFigures {
  std::optional<std::int64_t> processes;
  std::optional<std::int64_t> threads;
  std::optional<std::int64_t> descriptors;
  std::optional<double> cpu_us;
  std::optional<double> context_switches;
  std::optional<double> system_calls;  // from extra rounds after the timed ones
  std::optional<double> cores;         // CPU time over wall time: 1 is one core
  std::optional<double> stop_seconds;
  std::optional<int> exit_status;
  bool killed = false;
};

// Bytes at three moments: without clients, with all held, and with all held after the messages (churn: after
// all have left).
struct MemoryFigures {
  std::optional<std::int64_t> at_rest;
  std::optional<std::int64_t> held;
  std::optional<std::int64_t> after;

  // The increase since at_rest, divided by `count` held requests.
  std::optional<double> per_held(std::optional<std::int64_t> bytes, std::int64_t count) const;
};

// What the load generator used: its driver and its client processes.
struct GeneratorFigures {
  int processes = 0;  // clients
  std::optional<double> cpu_us;
  std::optional<double> cores;
  std::optional<double> busiest_client_cores;
  std::optional<double> lag_p99_us;  // how long the last event of a batch waited for the client itself
  MemoryFigures user{};              // proportional set size of the clients
  bool limited = false;              // the server might do more: see is_bounded()
};

// hold: one for each size; churn: one for each moment.
struct Point {
  std::optional<double> at_seconds;
  std::int64_t held = 0;
  std::optional<std::int64_t> user_bytes;
  std::optional<std::int64_t> kernel_bytes;
};

// A note if the server's memory grows with every generation of requests from the second to the last, and in
// all by more than it changes within either of these two; else empty. There are `generations` of `seconds`
// each. The first does not count, because pools are filled then.
std::string growth_note(const std::vector<Point>& points, double seconds, int generations);

struct Measurement {
  int repeat = 1;
  int position = 1;        // in the run's random order
  std::string started_at;  // UTC, ISO 8601
  Status status = Status::kComplete;
  std::string note;                       // why it is not complete, or what a reader of its figures must know
  std::int64_t held = 0;                  // by the server's own count; churn: the mean
  std::optional<double> connect_seconds;  // from the first connect until all were held
  std::optional<double> hold_rate;        // held requests per second in that time
  std::optional<double> warm_up_seconds;  // of rounds of messages before the timed part
  std::optional<double> duration_seconds;
  Deliveries deliveries;
  std::optional<Phases> phases;  // broadcast, and the message of hold
  std::optional<Publishes> publishes;
  std::map<std::string, std::int64_t> errors;
  std::optional<Distribution> latency;         // to the subscriber that has read the message
  std::optional<Distribution> socket_latency;  // to its socket; without the time that it waits there
  std::optional<Distribution> skew;            // first to last delivery of one message
  std::optional<Distribution> publish_lag;
  std::optional<Distribution> other_latency;
  std::vector<std::string> server_command;
  ServerFigures server;
  GeneratorFigures generator;
  MemoryFigures user;                         // proportional set size over the server's process tree
  MemoryFigures kernel;                       // system-wide
  std::optional<std::int64_t> retransmitted;  // TCP segments, system-wide
  std::optional<std::int64_t> dropped;  // packets that met a full receive queue of the kernel, system-wide
  std::optional<CoreUse> cores;         // of the whole machine, in the timed part
  std::vector<Point> points;

  void add_note(const std::string& text);
  // Bytes with all held: after the messages; where that is not known, and in churn, where all have left by
  // then, before them. It is the same moment for the server's memory and the kernel's.
  std::optional<std::int64_t> last_while_held(const MemoryFigures& figures) const;
};

// All repeats of one entry at one size and rate.
struct Series {
  std::string entry;
  std::string model;
  std::string group;  // pattern, peer, floor or student
  std::string floor;  // name of the entry that its figures are divided by
  std::int64_t held_wanted = 0;
  std::vector<Measurement> repeats;
  std::string packages{};        // names and versions of the packages that the entry is made of
  std::optional<double> rate{};  // publishes per second, if the scenario has several rates
};

}  // namespace comet::loadgen
