// Server-sent events: GET /events?channel=C, as EventSource asks for it. An event's id is its message's cursor.
#pragma once

#include "core/decision.hpp"
#include "nodes/gateway/connection.hpp"
#include "nodes/gateway/gateway.hpp"

namespace comet::gateway {

// The connection ends with it.
asio::awaitable<void> serve_events(Gateway& gateway, Connection& connection, const Request& request,
                                   const core::Subscribe& subscribe);

}  // namespace comet::gateway
