// A client process: holds its share of the subscribers and does what the driver says.
#pragma once

#include "loadgen/clients/subscribers.hpp"

namespace comet::loadgen {

// Runs in a forked child until the driver closes its end of `commands`; never returns. Samples go to `file`:
// see append_samples().
[[noreturn]] void run_client(const SubscriberSettings& settings, const Schedule& schedule,
                             ClientCounts& counts, int commands, int file);

// What a client process has to show at the end.
struct Samples {
  std::vector<std::int64_t> latencies_ns;
  std::vector<std::int64_t> lags_ns;          // of the client processes: how long a batch of events took them
  std::vector<std::int64_t> arrival_lags_ns;  // churn: actual less intended arrival
  std::vector<std::int64_t> spans;            // message, first and last delivery, and so on
  std::map<std::string, std::int64_t> events;
};

// Adds what a client process wrote to `file`. False when it is not whole.
bool append_samples(int file, Samples& samples);

}  // namespace comet::loadgen
