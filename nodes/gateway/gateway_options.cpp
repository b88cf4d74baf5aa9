// See gateway_options.hpp.
#include "nodes/gateway/gateway_options.hpp"

#include <boost/url/parse.hpp>

namespace comet::gateway {
namespace {

// Why `text` is not what a browser sends as Origin; empty if it is.
std::string why_no_origin(const std::string& text) {
  const auto url = boost::urls::parse_uri(text);
  const bool is_origin = url && (url->scheme() == "http" || url->scheme() == "https") &&
                         !url->host().empty() && url->encoded_path().empty() && !url->has_query() &&
                         !url->has_fragment();
  return is_origin ? "" : "'" + text + "' is no site such as https://chat.example or http://127.0.0.1:8080";
}

}  // namespace

GatewayOptions parse_gateway_options(int argc, char** argv) {
  GatewayOptions options;
  options.http.port = 8200;
  core::CommandLine line("Brings the messages that servers share to browsers: WebSocket, Bayeux, SSE.",
                         "comet-gateway");
  core::add_basic_options(line, options.http);
  nodes::add_redis_options(line, options.redis, options.most);
  line.add_number("--history", options.http.history, 1, 1000000, "messages retained per channel");
  line.add_number("--max-message", options.http.max_message, 1, 16 << 20, "largest message in bytes");
  line.add_number("--max-held", options.http.max_held, 0, 100000000,
                  "most clients that wait, 0: as many as open files allow");
  line.add_number("--max-per-client", options.most_per_client, 0, 100000000,
                  "most connections that wait for one address, 0: any number");
  line.add_flag("--behind-proxy", options.behind_proxy, "take a client's address from X-Forwarded-For");
  line.add_number("--rate", options.rate, 1, 1000000, "messages a second that one user or session may send");
  line.add_list("--allow-origin", options.allowed_origins, why_no_origin, "ORIGIN",
                "a site whose pages may use the gateway; may be given more than once");
  line.add_seconds("--heartbeat", options.heartbeat, 0.05, 60,
                   "between two signs of life; a user who gives none is gone after three");
  line.parse_or_exit(argc, argv);
  return options;
}

}  // namespace comet::gateway
