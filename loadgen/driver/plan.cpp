// The plan of a bench: see plan.hpp.
#include "loadgen/driver/plan.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "loadgen/driver/doctor.hpp"

namespace comet::loadgen {
namespace {

// To start, verify and stop a server, and to read memory. Measured, as the next two, over the
// entries of one run.
constexpr double kSecondsOfEach = 1;
constexpr double kSecondsOfOneHeld = 200e-6;     // to connect it and to let it go
constexpr double kSecondsOfOneDelivery = 25e-6;  // where a number of rounds is asked for

}  // namespace

double planned_seconds(const Entry& entry, const Scenario& scenario, std::int64_t held) {
  const auto count = static_cast<double>(held);
  const double rounds = scenario.rounds.value_or(0) * count * kSecondsOfOneDelivery;
  return kSecondsOfEach + count * kSecondsOfOneHeld + entry.warm_up_seconds +
         std::max(scenario.duration_seconds, rounds);
}

int print_plan(const BenchOptions& options) {
  const Limits limits = read_limits("/", geteuid());
  const auto rates = static_cast<double>(options.scenario.by_rate().size());
  double seconds = 0, measurements = 0;
  for (const Entry& entry : select_entries(find_entries(options.root), options.entries))
    for (const std::int64_t held : options.scenario.measured_sizes()) {
      if (!why_not_measured(entry, options.scenario, limits, held).empty()) continue;
      const double times = rates * options.repeats;
      measurements += times;
      seconds += times * planned_seconds(entry, options.scenario, held);
      if (options.discard_first)
        seconds += rates * (2 * kSecondsOfEach + static_cast<double>(held) * kSecondsOfOneHeld);
    }
  std::printf("%.0f measurements, about %.0f s\n", measurements, std::ceil(seconds));
  return 0;
}

}  // namespace comet::loadgen
