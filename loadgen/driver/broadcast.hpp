// Rounds in which one message goes to all held requests: many in the broadcast scenario, one at the
// end of hold.
#pragma once

#include <cstdint>
#include <functional>

#include "loadgen/driver/trial.hpp"

namespace comet::loadgen {

class Rounds {
 public:
  explicit Rounds(Trial& trial) : trial_(trial) {}

  // Publishes one message and waits until all have received it and are held again. Returns the deliveries per
  // second, over the time from the publish until /stats says that all are held. Throws std::runtime_error if
  // the publish is not answered with 200, or if the requests are not held again.
  double run();

 private:
  void deliver(std::int64_t expected);

  Trial& trial_;
};

// Rounds that are not timed: one, and then as many as fit into the entry's warm-up time. A server that
// compiles while it runs is to be measured as it runs for hours, not as it starts.
void warm_up(Trial& trial, const std::function<void()>& round);

// Reads memory after the messages, except for an entry with a warm-up time: its heap is full of garbage that
// is not collected yet.
void read_memory_after(Trial& trial);

}  // namespace comet::loadgen
