// WebSocket (RFC 6455) over a connection, by Beast.
#pragma once

#include <functional>
#include <string>

#include "nodes/gateway/connection.hpp"
#include "nodes/gateway/outbox.hpp"

namespace comet::gateway {

bool asks_for_socket(const Request& request);

// Accepts, sends what the outbox gets, and calls `take` with each text that comes, one after the other. Returns when
// the socket is closed: by the client, by its silence of two heartbeats, or because the outbox is closed.
asio::awaitable<void> serve_socket(Connection& connection, const Request& request, Outbox& outbox,
                                   const std::function<asio::awaitable<void>(std::string)>& take);

}  // namespace comet::gateway
