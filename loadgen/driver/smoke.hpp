// The smoke set: the requests that an entry must answer correctly before it is measured.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "loadgen/clients/http.hpp"
#include "loadgen/clients/paced_requests.hpp"

namespace comet::loadgen {

// Of all clients, from /stats. Throws std::runtime_error if that does not say how many requests are held.
struct ClientCount {
  std::int64_t held = 0;
  std::optional<std::int64_t> connections;
};
ClientCount count_clients(HttpClient& client);
// Of all clients of all `servers`.
ClientCount count_clients(Connections& servers);

template <class Servers>
std::int64_t held_by_server(Servers& servers) {
  return count_clients(servers).held;
}

// Checks two subscribers and one publish, and each other part of the contract (docs/architecture.md) for
// which `keeps` answers true. `publish_to`: the same server, or a relay of nodes. Each node needs a `channel`
// of its own: what is published on that of one comes to the others a moment later. Throws std::runtime_error
// that says what was expected and what came.
void verify(const Endpoint& endpoint, const Endpoint& publish_to,
            const std::function<bool(const std::string& part)>& keeps, const std::string& channel = "smoke");

}  // namespace comet::loadgen
