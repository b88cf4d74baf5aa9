// The counters of one server and their two printed forms, /stats and /metrics.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace comet::core {

// Relaxed atomics, so that one type serves one thread, many threads, and processes over shared memory.
struct Counters {
  std::atomic<std::uint64_t> connections{0};  // open now
  std::atomic<std::uint64_t> held{0};         // held now
  std::atomic<std::uint64_t> published{0};
  std::atomic<std::uint64_t> delivered{0};      // messages handed whole to a subscriber's socket
  std::atomic<std::uint64_t> timeouts{0};       // holds ended by time
  std::atomic<std::uint64_t> disconnects{0};    // clients that left while held
  std::atomic<std::uint64_t> rejected{0};       // requests and connections refused with 503
  std::atomic<std::uint64_t> channels{0};       // channels known now
  std::atomic<std::uint64_t> held_at_drain{0};  // held when the drain began; set before anything else of it
};

inline void add(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}
inline void subtract(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_sub(by, std::memory_order_relaxed);
}

struct Stats {
  std::string_view pattern;
  int pid = 0;
  double uptime_seconds = 0;
  std::uint64_t connections = 0, held = 0, published = 0, delivered = 0, timeouts = 0, disconnects = 0,
                rejected = 0, channels = 0;
};

// A reading of `counters` by this process; `started_milliseconds` is the Unix time at which the
// server started.
Stats read_stats(const Counters& counters, std::string_view pattern, std::uint64_t started_milliseconds);

std::string stats_json(const Stats& stats);
// Prometheus text exposition format 0.0.4.
std::string stats_prometheus(const Stats& stats);

}  // namespace comet::core
