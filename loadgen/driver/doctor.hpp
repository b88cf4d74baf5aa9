// The doctor: how many requests can be held here, which limit binds first, and the command that lifts it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "loadgen/driver/manifest.hpp"
#include "loadgen/driver/scenarios.hpp"
#include "loadgen/machine/limits.hpp"

namespace comet::loadgen {

// What a bench connects besides those that hold: publishers, others' requests, /stats, and the smoke set's
// connections, which the server may not yet have seen leave.
constexpr std::int64_t kConnectionsBesides = 2 * kConnectionsAtFixedRates + 6;

struct HeldCeiling {
  std::int64_t held;  // most that this limit allows
  std::string limit;  // which, and its value
  std::string lift;   // the command after which it allows what was wanted, or what else to do
  std::int64_t need;  // the value of the limit that this takes
};

// What each limit allows the entry to hold, the lowest first. `wanted` is what the commands make room for.
std::vector<HeldCeiling> ceilings(const Entry& entry, const Limits& limits, std::int64_t wanted);

// Why the entry cannot hold so many here, in one line; empty where it can. A bench skips what cannot be held.
std::string why_not_held(const Entry& entry, const Limits& limits, std::int64_t held);

// Prints what can be held, entry by entry, and the commands. Returns 0 if all can hold `held`, else 1.
int print_ceilings(const std::vector<Entry>& entries, const Limits& limits, std::int64_t held);

struct DoctorOptions {
  std::vector<std::string> entries;  // names; empty: all
  std::int64_t held = 15'000;
  std::filesystem::path root;
};

// print_ceilings() of the entries under `root` and the limits here. Throws UsageError.
int run_doctor(const DoctorOptions& options);

}  // namespace comet::loadgen
