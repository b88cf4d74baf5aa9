// Rounds in which one message goes to all held requests: many in the broadcast scenario, one at the
// end of hold.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "loadgen/driver/trial.hpp"

namespace comet::loadgen {

struct Phase {
  std::int64_t time_ns = 0;
  CpuUse use;
};

// Two phases, apart; see Phases. Where subscribers ask again at once, both are in `cycle`.
struct Round {
  std::int64_t deliveries = 0;
  std::optional<Phase> delivery, again;
  std::optional<std::int64_t> reached_ns;  // from when it was due until the last byte was at the last socket
  Phase cycle;
};

class Rounds {
 public:
  // All requests are held. Measures what one question to /stats costs the server.
  explicit Rounds(Trial& trial);

  // Publishes one message, waits until all have received it, lets them ask again, and waits until all are
  // held. What reading CPU clocks takes is in no time, and what it costs the server to be asked whether all
  // are held is in no CPU time. Throws std::runtime_error if the publish is not answered with 200, or if the
  // requests are not held again.
  Round run();

 private:
  std::int64_t deliver(std::int64_t expected);
  Phase ask_again();
  CpuUse used_since(const CpuReading& before, int asked, std::int64_t idle_ns) const;

  Trial& trial_;
  std::int64_t stats_cpu_ns_ = 0;  // server CPU for one /stats
};

// The figures of `rounds`, which are not empty; their CPU time goes into `result` too.
Phases phases_of(const std::vector<Round>& rounds, double machine_cores);

// Rounds that are not timed: one, and then as many as fit into the entry's warm-up time. A server that
// compiles while it runs is to be measured as it runs for hours, not as it starts.
void warm_up(Trial& trial, const std::function<void()>& round);

}  // namespace comet::loadgen
