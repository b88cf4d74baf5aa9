// Which pages may use the gateway, and who may publish.
#pragma once

#include <optional>

#include "nodes/gateway/connection.hpp"

namespace comet::gateway {

// CometD's client adds what it asks for, as in /live/handshake.
inline bool is_bayeux(std::string_view path) { return path == "/live" || path.starts_with("/live/"); }

// Why the sender is refused; nullopt if it is not. Fills in request.origin. The head is enough to know.
std::optional<core::Refusal> refuse_access(const core::HttpRequest& asked, Request& request,
                                           const GatewayOptions& options);

}  // namespace comet::gateway
