// The broadcast scenario against one running server: N subscribers held, then rounds of one message to all of
// them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "loadgen/http.hpp"
#include "loadgen/measurement.hpp"
#include "loadgen/progress.hpp"

namespace comet {

struct BroadcastOptions {
  std::int64_t held = 1000;
  std::optional<int>
      rounds;  // counted rounds; without it as many as fit in `seconds`, at least kMinimumRounds
  double seconds = 2;
  std::string channel = "bench";
};

constexpr int kMinimumRounds = 3;

// The server as the scenario sees it.
struct ServerUnderTest {
  Endpoint endpoint;
  std::optional<pid_t> root;                          // of its process tree; nothing when it runs elsewhere
  std::function<std::optional<std::string>()> death;  // how it ended, nothing while it runs
};

// Fills `result` as it goes; what goes wrong becomes the result's status and note. Throws Interrupted only,
// with what was measured so far in `result`.
void run_broadcast(const ServerUnderTest& server, const BroadcastOptions& options, Progress& progress,
                   Measurement& result);

}  // namespace comet
