// Which endpoint a complete request is for, and what it asks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "core/decision.hpp"
#include "core/http_parser.hpp"
#include "core/stats.hpp"

namespace comet {

// What answering needs beyond the request itself. One per server; outlives every reader.
struct Service {
  Options options;
  std::function<Stats()> read_stats;
  Counters* counters = nullptr;                 // where the reader counts a request for which memory lacks
  std::function<std::uint64_t()> count_held{};  // set where the counters do not say how many are held

  std::uint64_t held() const { return count_held ? count_held() : counters->held.load(); }
};

Decision route(HttpRequest&& request, const Service& service);

// Why this client may not publish, where the request is a publish; its head is enough to know.
std::optional<Refusal> refuse_publisher(const HttpRequest& request, const Options& options);

}  // namespace comet
