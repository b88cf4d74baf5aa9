// The doctor: how many requests can be held on this machine, which limit is reached first, and which
// command raises it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "loadgen/driver/manifest.hpp"
#include "loadgen/driver/scenarios.hpp"
#include "loadgen/machine/limits.hpp"

namespace comet::loadgen {

// Connections of a bench that hold no request: those of publishers, of other requests, of /stats, and of the
// smoke set, which the server may not have noticed to be closed.
constexpr std::int64_t kOtherConnections = 2 * kConnectionsAtFixedRates + 6;

// How many requests one limit allows an entry to hold.
struct HeldCeiling {
  std::int64_t held;
  std::string limit;   // its name and its value
  std::string remedy;  // the command after which it allows as many as are wanted, or what else to do
  std::int64_t need;   // the value that the limit needs for that
};

// How many requests each limit lets this machine hold, the lowest first. `wanted`: how many the remedies are
// to make possible.
// `nodes`: servers that share them evenly, each with a relay.
std::vector<HeldCeiling> ceilings(const Entry& entry, const Limits& limits, std::int64_t wanted,
                                  std::int64_t nodes = 1);

// Why the entry cannot hold `held` requests here, in one line; empty if it can.
std::string why_not_held(const Entry& entry, const Limits& limits, std::int64_t held);

// Why an entry cannot be measured; empty if it can.
std::string why_not_measured(const Entry& entry, const Scenario& scenario, const Limits& limits,
                             std::int64_t held);

// Prints for each entry how many requests it can hold, and the commands that help. Returns 0 if all can hold
// `held`, else 1.
int print_ceilings(const std::vector<Entry>& entries, const Limits& limits, std::int64_t held,
                   std::int64_t nodes = 1);

struct DoctorOptions {
  std::vector<std::string> entries;  // names; empty: all
  std::int64_t held = 15'000;
  std::int64_t nodes = 1;  // that share them
  std::filesystem::path root;
};

// print_ceilings() of the entries under `root` and the limits here. Throws UsageError.
int run_doctor(const DoctorOptions& options);

}  // namespace comet::loadgen
