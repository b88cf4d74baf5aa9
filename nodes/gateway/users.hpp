// WebSocket: users, who send messages to each other from any gateway to any other, and readers of a channel.
#pragma once

#include <string>

#include "core/decision.hpp"
#include "nodes/gateway/connection.hpp"
#include "nodes/gateway/gateway.hpp"

namespace comet::gateway {

// 1 to 59 of A-Za-z0-9._-
bool is_user_name(const std::string& name);

// `since`: the cursor of the last message that the user has.
asio::awaitable<void> serve_user(Gateway& gateway, Connection& connection, const Request& request,
                                 const std::string& user, std::optional<core::Cursor> since);

asio::awaitable<void> serve_channel(Gateway& gateway, Connection& connection, const Request& request,
                                    const core::Subscribe& subscribe);

}  // namespace comet::gateway
