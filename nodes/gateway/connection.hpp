// One connection as HTTP has it: requests in, answers out, and when its client leaves. Core parses; Beast's head is
// kept beside it, for WebSocket and for the fields that core does not know.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/http_parser.hpp"
#include "core/service.hpp"
#include "core/target.hpp"
#include "nodes/gateway/gateway_options.hpp"

namespace comet::gateway {
namespace asio = boost::asio;
namespace beast = boost::beast;

struct Request {
  core::HttpRequest http;
  beast::http::request<beast::http::empty_body> head;
  std::string origin;  // the page's site, if it may use the gateway though it is another one
  core::ReplyForm form;

  std::string field(std::string_view name) const {
    const auto value = head[beast::string_view(name.data(), name.size())];
    return {value.data(), value.size()};
  }
  // Lines for the answer that let the page of an allowed site read it.
  std::string headers_for_page() const;
};

class Connection {
 public:
  // `service` and `options` must outlive it.
  Connection(asio::ip::tcp::socket socket, const core::Service& service, const GatewayOptions& options);

  // The next request, or the answer to one that is refused: the connection ends with that. Throws system_error if
  // the client has gone, or does not send in time.
  asio::awaitable<std::variant<Request, core::Response>> read();
  asio::awaitable<void> write(const std::string& bytes);
  // Returns when the client has left, or sends more than can be kept.
  asio::awaitable<void> until_gone();
  // Lets the client read the last answer before the connection is closed, if it has not been released.
  asio::awaitable<void> linger();

  std::string address() const { return address_; }
  // For WebSocket, which takes the connection over.
  beast::tcp_stream release() {
    released_ = true;
    return std::move(stream_);
  }
  const GatewayOptions& options() const { return options_; }

 private:
  asio::awaitable<void> fill();
  core::Response refuse(core::Refusal refusal, bool head_only = false) const;

  beast::tcp_stream stream_;
  const core::Service& service_;
  const GatewayOptions& options_;
  std::string address_;
  bool released_ = false;
  std::string input_;  // came, and not taken yet
};

}  // namespace comet::gateway
