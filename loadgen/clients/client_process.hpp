// A client process: holds some of the subscribers and does what the driver commands.
#pragma once

#include "loadgen/clients/subscribers.hpp"

namespace comet::loadgen {

// Runs in a forked child until the driver closes its end of `commands`; never returns. It writes its samples
// to `file`, from which append_samples() reads them.
[[noreturn]] void run_client(const SubscriberSettings& settings, const Schedule& schedule,
                             ClientCounts& counts, int commands, int file);

// What client processes measured.
struct Samples {
  std::vector<std::int64_t> latencies_ns;
  std::vector<std::int64_t> socket_latencies_ns;  // until the last byte was at the socket
  std::vector<std::int64_t> lags_ns;  // how long the last event of a batch waited for the client itself
  std::vector<std::int64_t> arrival_lags_ns;  // churn: actual minus intended arrival
  std::vector<std::int64_t> spans;  // in threes: number of a message, its first and its last delivery
  std::map<std::string, std::int64_t> events;
};

// Adds what a client process wrote to `file`. False if it is incomplete.
bool append_samples(int file, Samples& samples);

}  // namespace comet::loadgen
