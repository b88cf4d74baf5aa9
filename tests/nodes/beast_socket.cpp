// A WebSocket by Beast's own client: beast-socket PORT TARGET. Commands and what happens are lines on standard input and
// output, as of bayeux_clients/socket.js.
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace json = boost::json;
namespace websocket = beast::websocket;
using asio::use_awaitable;
using asio::ip::tcp;
using Socket = websocket::stream<tcp::socket>;

void say(const json::array& words) {
  std::printf("%s\n", json::serialize(words).c_str());
  std::fflush(stdout);
}

std::string text_of(const json::value& value) { return json::value_to<std::string>(value); }

asio::awaitable<void> obey(Socket& socket, const json::array& words) {
  const std::string command = text_of(words.at(0));
  if (command == "ping") {
    const std::string text = text_of(words.at(1));
    co_return co_await socket.async_ping(websocket::ping_data(text.data(), text.size()), use_awaitable);
  }
  if (command == "close") {
    const auto code = static_cast<websocket::close_code>(words.at(1).to_number<std::uint16_t>());
    const std::string why = text_of(words.at(2));
    co_return co_await socket.async_close(websocket::close_reason(code, why), use_awaitable);
  }
  socket.binary(command == "bytes");
  const json::array texts = command == "fragments" ? words.at(1).as_array() : json::array{words.at(1)};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string text = text_of(texts[i]);
    co_await socket.async_write_some(i + 1 == texts.size(), asio::buffer(text), use_awaitable);
  }
}

asio::awaitable<void> read_commands(Socket& socket) {
  asio::posix::stream_descriptor input(socket.get_executor(), STDIN_FILENO);
  std::string lines;
  while (true) {
    const std::size_t size =
        co_await asio::async_read_until(input, asio::dynamic_buffer(lines), '\n', use_awaitable);
    const json::value words = json::parse(lines.substr(0, size));
    lines.erase(0, size);
    co_await obey(socket, words.as_array());
  }
}

asio::awaitable<void> run(Socket& socket, std::string port, std::string target) {
  const tcp::endpoint server(asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(port)));
  co_await socket.next_layer().async_connect(server, use_awaitable);
  co_await socket.async_handshake("127.0.0.1:" + port, target, use_awaitable);
  socket.control_callback([](websocket::frame_type kind, beast::string_view payload) {
    if (kind == websocket::frame_type::pong) say({"pong", payload});
  });
  say({"open"});
  // Until its input ends, or a command fails because the server has closed.
  asio::co_spawn(socket.get_executor(), read_commands(socket), asio::detached);
  try {
    while (true) {
      beast::flat_buffer buffer;
      co_await socket.async_read(buffer, use_awaitable);
      say({"text", beast::buffers_to_string(buffer.data())});
    }
  } catch (const boost::system::system_error&) {
    say({"close", socket.reason().code,
         std::string_view(socket.reason().reason.data(), socket.reason().reason.size())});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("beast-socket: name the port and the target\n", stderr);
    return 64;
  }
  asio::io_context loop(1);
  Socket socket(loop);
  socket.read_message_max(0);
  asio::co_spawn(loop, run(socket, argv[1], argv[2]), [](const std::exception_ptr& failed) {
    if (failed) std::rethrow_exception(failed);
  });
  loop.run();
}
