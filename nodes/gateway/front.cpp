// See front.hpp.
#include "nodes/gateway/front.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "core/routes.hpp"
#include "nodes/gateway/access.hpp"
#include "nodes/gateway/events.hpp"
#include "nodes/gateway/socket.hpp"
#include "nodes/gateway/users.hpp"
#include "patterns/common/startup.hpp"

namespace comet::gateway {
namespace {

using asio::use_awaitable;
using asio::ip::tcp;

constexpr core::Refusal kNoPolls{421, "a gateway holds no polls: subscribe at a node, or read /events"};
constexpr core::Refusal kNoPage{404,
                                "no such page: try /events, /ws, /ws/USER, /live, /publish, /users, /stats, "
                                "/metrics, /healthz or /ready"};
constexpr core::Refusal kBadUser{400, "a user's name must be 1 to 59 of A-Za-z0-9._-"};
constexpr core::Refusal kBadEventId{400, "Last-Event-ID must be 0 or MILLISECONDS-SEQUENCE"};
constexpr core::Refusal kNoSocket{400, "this page speaks WebSocket: ask for it with 'Upgrade: websocket'"};
constexpr std::string_view kUserPath = "/ws/";

constexpr std::string_view kPreflight =
    "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Methods: GET, POST\r\n"
    "Access-Control-Allow-Headers: Content-Type, Authorization, Pragma, X-Requested-With\r\n"
    "Access-Control-Max-Age: 600\r\n";

tcp::acceptor listen(asio::io_context& loop, const core::Options& options) {
  const bool is_v6 = asio::ip::make_address(options.address).is_v6();
  return {loop, is_v6 ? tcp::v6() : tcp::v4(), common::open_listener(options)};
}

// With `lines` behind the status line.
std::string with_headers(const std::string& response, const std::string& lines) {
  return std::string(response).insert(response.find("\r\n") + 2, lines);
}

}  // namespace

Front::Front(Gateway& gateway, Bayeux& bayeux)
    : gateway_(gateway),
      bayeux_(bayeux),
      most_connections_(common::connection_limit()),
      acceptor_(listen(gateway.loop, gateway.options.http)) {}

void Front::start() {
  asio::co_spawn(gateway_.loop, accept(), nodes::fail_if_any);
  common::announce_ready(acceptor_.native_handle(), gateway_.options.http);
}

void Front::stop() {
  boost::system::error_code ignored;  // it is closed in any case
  acceptor_.close(ignored);
}

asio::awaitable<void> Front::accept() {
  while (acceptor_.is_open()) {
    bool failed = false;
    try {
      tcp::socket socket = co_await acceptor_.async_accept(use_awaitable);
      asio::co_spawn(gateway_.loop, serve(std::move(socket)), asio::detached);
    } catch (const boost::system::system_error&) {  // out of descriptors, or stopped
      failed = true;
    }
    if (!failed) continue;
    asio::steady_timer timer(gateway_.loop, common::kAcceptPause);
    co_await timer.async_wait(use_awaitable);
  }
}

asio::awaitable<void> Front::serve(tcp::socket socket) {
  core::add(gateway_.counters.connections);
  try {
    Connection connection(std::move(socket), gateway_.service, gateway_.options);
    bool open = true;
    if (gateway_.counters.connections > most_connections_) {
      const core::ReplyForm form{.keep_alive = false};
      co_await connection.write(*gateway_.service.unavailable("too many connections", form).bytes);
      open = false;
    }
    while (open) {
      auto read = co_await connection.read();
      if (auto* request = std::get_if<Request>(&read)) {
        open = co_await answer(connection, *request);
      } else {
        co_await connection.write(*std::get<core::Response>(read).bytes);
        open = false;
      }
    }
    co_await connection.linger();
  } catch (const boost::system::system_error&) {  // the client has gone, or its time is over
  }
  core::subtract(gateway_.counters.connections);
}

asio::awaitable<bool> Front::answer(Connection& connection, Request& request) {
  const std::string lines = request.headers_for_page();
  if (request.head.method() == beast::http::verb::options && !lines.empty()) {
    co_await connection.write(std::string(kPreflight) + lines + "\r\n");
    co_return true;
  }
  const auto target = core::parse_target(request.http.target);
  const bool speaks_bayeux = target && is_bayeux(target->path);
  if (speaks_bayeux && asks_for_socket(request)) {
    co_await bayeux_.serve_socket(connection, request);
    co_return false;
  }
  const bool waits =
      target && (target->path == "/events" || target->path == "/ws" || target->path.starts_with(kUserPath));
  std::optional<core::Response> response;
  if (waits) {
    response = co_await wait(connection, request, *target);
  } else if (speaks_bayeux && request.http.method == core::Method::post) {
    response = co_await bayeux_.serve_post(connection, request);
  } else {
    response = co_await page(request);
  }
  if (!response) co_return false;
  co_await connection.write(with_headers(*response->bytes, lines));
  co_return !response->close;
}

// Serves a client that waits, to its end. Else its answer.
asio::awaitable<std::optional<core::Response>> Front::wait(Connection& connection, Request& request,
                                                           core::Target target) {
  const std::string path = target.path;
  if (const auto refusal = Waiting::refuse(gateway_, connection.address())) {
    co_return gateway_.service.refuse(*refusal, request.form);
  }
  target.path = "/subscribe";  // it has the same parameters
  const auto decision = core::route(std::move(request.http), target, gateway_.service);
  if (const auto* reply = std::get_if<core::Reply>(&decision)) co_return reply->response;
  auto subscribe = std::get<core::Subscribe>(decision);
  if (path == "/events") {
    if (const std::string last = request.field("Last-Event-ID"); !last.empty()) {
      subscribe.since = core::parse_cursor(last);
      if (!subscribe.since) co_return gateway_.service.refuse(kBadEventId, request.form);
    }
    co_await serve_events(gateway_, connection, request, subscribe);
    co_return std::nullopt;
  }
  const std::string user = path == "/ws" ? "" : path.substr(kUserPath.size());
  if (path != "/ws" && !is_user_name(user)) co_return gateway_.service.refuse(kBadUser, request.form);
  if (!asks_for_socket(request)) co_return gateway_.service.refuse(kNoSocket, request.form);
  if (path == "/ws") {
    co_await serve_channel(gateway_, connection, request, subscribe);
  } else {
    co_await serve_user(gateway_, connection, request, user, subscribe.since);
  }
  co_return std::nullopt;
}

asio::awaitable<core::Response> Front::page(Request& request) {
  const auto target = core::parse_target(request.http.target);
  const std::string path = target ? target->path : "";
  const bool reads = request.http.method == core::Method::get || request.http.method == core::Method::head;
  if (path == "/stats" && reads) {
    co_return core::page_response("application/json", gateway_.stats(), request.form);
  }
  if (path == "/users" && reads) {
    co_return core::page_response("application/json", gateway_.user_list(), request.form);
  }
  const bool is_known = path == "/publish" || path == "/subscribe" || path == "/stats" || path == "/users" ||
                        path == "/metrics" || path == "/healthz" || path == "/ready";
  if (target && !is_known) co_return gateway_.service.refuse(kNoPage, request.form);
  const core::Decision decision = core::route(std::move(request.http), target, gateway_.service);
  if (const auto* reply = std::get_if<core::Reply>(&decision)) co_return reply->response;
  if (std::holds_alternative<core::Subscribe>(decision))
    co_return gateway_.service.refuse(kNoPolls, request.form);
  const auto& message = std::get<core::Publish>(decision);
  const bus::Publisher::Outcome outcome = co_await gateway_.bus.publish(message.channel, message.body);
  if (!outcome.cursor) co_return gateway_.service.refuse(outcome.refusal, message.form);
  core::add(gateway_.counters.published);
  co_return core::published_response(*outcome.cursor, 0, message.form);
}

}  // namespace comet::gateway
