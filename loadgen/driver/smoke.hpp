// The contract's smoke set: what an entry must answer right before it is measured.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "loadgen/clients/http.hpp"

namespace comet::loadgen {

// Everybody's, as /stats says. Throws std::runtime_error when it does not say how many requests are held.
struct ClientCount {
  std::int64_t held = 0;
  std::optional<std::int64_t> connections;
};
ClientCount count_clients(HttpClient& client);

inline std::int64_t held_by_server(HttpClient& client) { return count_clients(client).held; }

// Two subscribers and one publish, and what else the server is said to keep: `keeps` answers for each part of the
// contract (docs/architecture.md). Throws std::runtime_error that says what was expected and what came.
void verify(const Endpoint& endpoint, const std::function<bool(const std::string& part)>& keeps);

}  // namespace comet::loadgen
