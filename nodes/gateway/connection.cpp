// See connection.hpp.
#include "nodes/gateway/connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>

#include "core/request_reader.hpp"
#include "nodes/gateway/access.hpp"
#include "patterns/common/startup.hpp"

namespace comet::gateway {
namespace {

using asio::use_awaitable;
namespace http = beast::http;

constexpr std::size_t kInput = 4096;           // bytes that are read at once
constexpr std::size_t kRest = 512;             // the same while the client waits: each who waits keeps this room
constexpr std::size_t kKept = 65536;           // bytes that are kept of what a client sends while it waits
constexpr std::size_t kBayeuxEnvelope = 4096;  // of a message, and of what is sent along with it

}  // namespace

std::string Request::headers_for_page() const {
  if (origin.empty()) return {};
  return "Access-Control-Allow-Origin: " + origin +
         "\r\nAccess-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: Comet-Cursor\r\nVary: "
         "Origin\r\n";
}

Connection::Connection(asio::ip::tcp::socket socket, const core::Service& service,
                       const GatewayOptions& options)
    : stream_(std::move(socket)), service_(service), options_(options) {
  boost::system::error_code gone;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), gone);
  const auto peer = stream_.socket().remote_endpoint(gone);
  if (!gone) address_ = peer.address().to_string();
}

asio::awaitable<std::variant<Request, core::Response>> Connection::read() {
  stream_.expires_after(service_.idle_time());
  if (input_.empty()) co_await fill();
  stream_.expires_after(options_.http.header_timeout);
  std::size_t end = 0;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos || end == 0) {
    if (end == 0) input_.erase(0, 2);  // RFC 9112 section 2.2: empty lines before a request are ignored
    if (input_.size() > core::kLongestHead) co_return refuse({431, "the head of the request is over 16 KiB"});
    if (input_.empty() || end == std::string::npos) co_await fill();
  }
  http::request_parser<http::empty_body> head;
  head.header_limit(core::kLongestHead);
  boost::system::error_code error;
  head.put(asio::buffer(input_.data(), end + 4), error);
  if (!head.is_header_done()) co_return refuse({400, "malformed request"});
  Request request;
  request.head = head.get();

  const bool is_bayeux = request.head.target().starts_with("/live");
  const auto parser = core::HttpParser::create(options_.http.max_message + (is_bayeux ? kBayeuxEnvelope : 0));
  bool continued = false;
  while (true) {
    std::size_t used = 0;
    const auto progress = parser->put(input_, used);
    input_.erase(0, used);
    core::HttpRequest& asked = parser->request;
    if (!asked.head_complete) co_return refuse(parser->refusal);
    const bool head_only = asked.method == core::Method::head;
    if (const auto refusal = refuse_access(asked, request, options_)) co_return refuse(*refusal, head_only);
    if (progress == core::HttpParser::Progress::refused) co_return refuse(parser->refusal, head_only);
    if (progress == core::HttpParser::Progress::complete) {
      request.form = {.keep_alive = asked.keep_alive,
                      .head_only = head_only,
                      .idle_seconds = options_.http.announced_idle_seconds()};
      request.http = std::move(asked);
      if (options_.behind_proxy) {  // the last address is the one that the proxy itself has seen
        const std::string seen = request.field("X-Forwarded-For");
        const std::size_t last = seen.find_last_of(", ");
        if (!seen.empty()) address_ = last == std::string::npos ? seen : seen.substr(last + 1);
      }
      co_return request;
    }
    if (input_.size() > core::kLongestChunkLine) co_return refuse({400, core::kChunkLineTooLong}, head_only);
    if (asked.expects_continue && !std::exchange(continued, true)) {
      co_await write(*core::continue_response().bytes);
    }
    co_await fill();
  }
}

asio::awaitable<void> Connection::fill() {
  std::array<char, kInput> bytes;
  const std::size_t size = co_await stream_.async_read_some(asio::buffer(bytes), use_awaitable);
  input_.append(bytes.data(), size);
}

core::Response Connection::refuse(core::Refusal refusal, bool head_only) const {
  return service_.refuse(refusal, {.keep_alive = false, .head_only = head_only});
}

asio::awaitable<void> Connection::write(const std::string& bytes) {
  stream_.expires_after(options_.http.idle_timeout);
  co_await asio::async_write(stream_, asio::buffer(bytes), use_awaitable);
}

// Straight from the socket: the stream has one time limit for all that is under way.
asio::awaitable<void> Connection::until_gone() {
  std::array<char, kRest> bytes;
  while (input_.size() < kKept) {
    boost::system::error_code error;
    const std::size_t size = co_await stream_.socket().async_read_some(
        asio::buffer(bytes), asio::redirect_error(use_awaitable, error));
    if (error) co_return;
    input_.append(bytes.data(), size);
  }
}

asio::awaitable<void> Connection::linger() {
  if (released_) co_return;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send);
  stream_.expires_after(common::kLingerTimeout);
  while (true) {
    input_.clear();
    co_await fill();
  }
}

}  // namespace comet::gateway
