// See socket.hpp.
#include "nodes/gateway/socket.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/beast/websocket.hpp>
#include <exception>

namespace comet::gateway {
namespace {

using asio::use_awaitable;
namespace websocket = beast::websocket;
using Socket = websocket::stream<beast::tcp_stream>;

constexpr std::chrono::milliseconds kHandshake{3000};  // also for closing, which a drain waits for

asio::awaitable<void> send(Socket& socket, Outbox& outbox) {
  try {
    while (true) {
      co_await outbox.wait(Outbox::Clock::time_point::max());
      if (outbox.empty()) break;
      for (const Text& text : outbox.take_all()) {
        co_await socket.async_write(asio::buffer(*text), use_awaitable);
      }
    }
    co_await socket.async_close(websocket::close_reason(outbox.close_code()), use_awaitable);
  } catch (const boost::system::system_error&) {  // the client has gone, or was not heard of
    beast::get_lowest_layer(socket).close();
  }
}

asio::awaitable<void> receive(Socket& socket, Outbox& outbox,
                              const std::function<asio::awaitable<void>(std::string)>& take) {
  try {
    while (!outbox.is_closed()) {
      std::string text;
      auto buffer = asio::dynamic_buffer(text);
      co_await socket.async_read(buffer, use_awaitable);
      if (!socket.got_text()) co_return outbox.close(kUnsupported);
      co_await take(std::move(text));
    }
  } catch (
      const boost::system::system_error&) {  // the client has closed, or breaks the rules: Beast has told it
  }
  outbox.close();
}

}  // namespace

// Beast does not look at the key, which must be 16 bytes in Base64.
bool asks_for_socket(const Request& request) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  constexpr std::size_t kKeyDigits = 22;
  const std::string key = request.field("Sec-WebSocket-Key");
  return websocket::is_upgrade(request.head) && key.find_first_not_of(kDigits) == kKeyDigits &&
         key.substr(kKeyDigits) == "==";
}

asio::awaitable<void> serve_socket(Connection& connection, const Request& request, Outbox& outbox,
                                   const std::function<asio::awaitable<void>(std::string)>& take) {
  const GatewayOptions& options = connection.options();
  Socket socket(connection.release());
  socket.set_option(websocket::stream_base::timeout{kHandshake, 2 * options.heartbeat, true});
  socket.read_message_max(options.http.max_message);
  socket.text(true);
  socket.auto_fragment(false);  // what is sent is no larger than what is taken
  co_await socket.async_accept(request.head, use_awaitable);
  // Both have ended before this returns, for they use what is here.
  asio::steady_timer sent(socket.get_executor(), Outbox::Clock::time_point::max());
  bool is_sending = true;
  asio::co_spawn(socket.get_executor(), send(socket, outbox), [&](const std::exception_ptr&) {
    is_sending = false;
    sent.cancel();
  });
  co_await receive(socket, outbox, take);
  boost::system::error_code cancelled;
  while (is_sending) co_await sent.async_wait(asio::redirect_error(use_awaitable, cancelled));
}

}  // namespace comet::gateway
