// One server as its connections see it: the options, the counters, and the answers that need both.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "core/options.hpp"
#include "core/response.hpp"
#include "core/stats.hpp"

namespace comet::core {

// How much longer the idle time is than announced: more than a request takes on its way.
constexpr Milliseconds kIdleGrace{1000};

// Outlives every reader and every connection.
struct Service {
  Options options;
  std::function<Stats()> read_stats;
  Counters* counters = nullptr;
  std::function<std::uint64_t()> count_held{};  // set if the counters do not say how many are held

  std::uint64_t held() const { return count_held ? count_held() : counters->held.load(); }

  std::function<bool()> is_ready{};  // a relay's /ready; others have no such page

  // 503, counted. `why` is the body's one line.
  Response unavailable(std::string_view why, ReplyForm form) const;
  // The answer to a request that is not done; a 503 is counted.
  Response refuse(Refusal refusal, ReplyForm form) const;
  // 503 of the drain; the connection ends with it.
  Response shutting_down(ReplyForm form) const;
  // A message for one subscriber. If memory runs out for the copy that its form needs: 503, and the
  // connection ends.
  Response message(const Message& message, ReplyForm form) const;

  // How long a connection may wait for its next request, from its accept or its last answer on. Longer than
  // clients are told, so that a request that is sent just in time is not met by the close.
  Milliseconds idle_time() const { return options.idle_timeout + kIdleGrace; }
};

}  // namespace comet::core
