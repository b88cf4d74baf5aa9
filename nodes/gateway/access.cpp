// See access.hpp. A browser lets any page open a WebSocket, and the page reads what comes: so Origin is asked of all
// who open one, not only of those who send.
#include "nodes/gateway/access.hpp"

#include <algorithm>

#include "core/access.hpp"
#include "nodes/gateway/parameters.hpp"

namespace comet::gateway {

std::optional<core::Refusal> refuse_access(const core::HttpRequest& asked, Request& request,
                                           const GatewayOptions& options) {
  auto target = core::parse_target(asked.target);
  if (!target) return std::nullopt;  // it is refused as malformed
  core::HttpRequest sender;
  sender.host = asked.host;
  sender.authorization = asked.authorization;
  if (sender.authorization.empty()) {  // no page can set that header for a WebSocket
    if (const auto token = parameter(*target, "token")) sender.authorization = "Bearer " + *token;
  }
  const auto& allowed = options.allowed_origins;
  if (std::find(allowed.begin(), allowed.end(), asked.origin) != allowed.end()) {
    request.origin = asked.origin;
  } else {
    sender.origin = asked.origin;
    sender.fetch_site = asked.fetch_site;
  }
  const bool is_preflight = request.head.method() == beast::http::verb::options;
  if (is_preflight) return core::refuse_sender(sender, *target, options.http);
  const bool reads_socket = target->path == "/ws";
  if (is_bayeux(target->path) || target->path.starts_with("/ws/") || reads_socket) target->path = "/publish";
  if (!reads_socket) return core::refuse_sender(sender, *target, options.http);
  core::Options without_token = options.http;
  without_token.publish_token.clear();
  return core::refuse_sender(sender, *target, without_token);
}

}  // namespace comet::gateway
