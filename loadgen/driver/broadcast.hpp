// Rounds of one message to all who are held: the broadcast scenario, and hold's one round.
#pragma once

#include <cstdint>
#include <functional>

#include "loadgen/driver/trial.hpp"

namespace comet::loadgen {

class Rounds {
 public:
  explicit Rounds(Trial& trial) : trial_(trial) {}

  // One message: published, received by all, all held again. Returns the deliveries per second, from the
  // intended publish until /stats says that all are held. Throws std::runtime_error when the publish is not
  // answered 200 or they are not held again.
  double run();

 private:
  void deliver(std::int64_t expected);

  Trial& trial_;
};

// Untimed rounds: one, and as many as fit into the entry's warm-up. What compiles as it runs is measured as it
// runs for hours, not as it starts.
void warm_up(Trial& trial, const std::function<void()>& round);

// Not of an entry that is warmed up: its heap is full of what the warm-up left behind and was not collected yet.
void read_memory_after(Trial& trial);

}  // namespace comet::loadgen
