// The smoke set: the requests that an entry must answer correctly before it is measured.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "loadgen/clients/http.hpp"

namespace comet::loadgen {

// Of all clients, from /stats. Throws std::runtime_error if that does not say how many requests are held.
struct ClientCount {
  std::int64_t held = 0;
  std::optional<std::int64_t> connections;
};
ClientCount count_clients(HttpClient& client);

inline std::int64_t held_by_server(HttpClient& client) { return count_clients(client).held; }

// Checks two subscribers and one publish, and each other part of the contract (docs/architecture.md) for
// which `keeps` answers true. Publishes go to `publish_to`, if there is one. Throws std::runtime_error that says
// what was expected and what came.
void verify(const Endpoint& endpoint, const std::function<bool(const std::string& part)>& keeps,
            const std::optional<Endpoint>& publish_to = {});

}  // namespace comet::loadgen
