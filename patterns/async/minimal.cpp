// The minimal server with one event loop, in one file. The full server starts in server.cpp.
// Model: one libuv loop on one thread. No step waits: it names the callback that goes on later, and returns.
// Owner of a connection: the loop, from accept_connection() to the last callback of close().
// Runs on: the one thread. Callbacks run one after another, so nothing is locked.
// Wakes a held request: publish(), which writes to the socket of each in turn.
//
// A poll gets only what is published while it is held. Left out, and where the full server has it: messages
// between two polls, cursors (server.cpp, core/channels.hpp); publishes that block (publish.cpp); the drain
// (drain.cpp); silent clients, and one timer for all instead of one each (loop_timer.hpp); limits
// (server.cpp); what to do if descriptors or memory run out (hardening/).
#include <unistd.h>
#include <uv.h>

#include <map>

#include "core/request_reader.hpp"
#include "patterns/common/minimal_start.hpp"
#include "patterns/common/startup.hpp"

namespace comet::minimal {
using namespace common;

class Server;
struct Connection;
using Held = std::multimap<std::string, Connection*>;  // by channel

struct Connection {
  Connection(Server& owner, const Service& service) : server(owner), reader(service) {}

  Server& server;
  RequestReader reader;
  uv_tcp_t socket;
  uv_write_t write;
  Response response;     // that is written
  bool is_busy = false;  // with a request: bytes that come meanwhile wait in the reader

  // Of the held request.
  bool is_held = false;
  ReplyForm form;
  Cursor last;
  Held::iterator place;
  uv_timer_t timer;
};

uv_stream_t* stream_of(uv_tcp_t& socket) { return reinterpret_cast<uv_stream_t*>(&socket); }

void require(int result, const char* what) {
  if (result < 0) fail(what, -result);
}

class Server {
 public:
  explicit Server(const Options& options) : service_{options, [this] { return stats(); }} {}

  void run() {
    const auto on_connection = [](uv_stream_t* listener, int status) {
      if (status == 0) static_cast<Server*>(listener->data)->accept_connection();
    };
    const int socket = open_minimal_listener(service_.options);
    require(uv_tcp_init(loop_, &listener_), "uv_tcp_init");
    require(uv_tcp_open(&listener_, socket), "uv_tcp_open");
    listener_.data = this;
    require(uv_listen(stream_of(listener_), kBacklog, on_connection), "uv_listen");
    announce_ready(socket, service_.options);
    require(uv_run(loop_, UV_RUN_DEFAULT), "uv_run");
  }

 private:
  // Step 1: accept.
  void accept_connection() {
    const auto give_buffer = [](uv_handle_t* socket, std::size_t, uv_buf_t* buffer) {
      Server& server = static_cast<Connection*>(socket->data)->server;
      *buffer = uv_buf_init(server.input_, sizeof server.input_);
    };
    const auto on_read = [](uv_stream_t* socket, ssize_t size, const uv_buf_t*) {
      auto& connection = *static_cast<Connection*>(socket->data);
      connection.server.read_request(connection, size);
    };
    auto& connection = *new Connection(*this, service_);
    connection.socket.data = connection.timer.data = connection.write.data = &connection;
    require(uv_tcp_init(loop_, &connection.socket), "uv_tcp_init");
    require(uv_timer_init(loop_, &connection.timer), "uv_timer_init");
    const bool is_open = uv_accept(stream_of(listener_), stream_of(connection.socket)) == 0 &&
                         uv_read_start(stream_of(connection.socket), give_buffer, on_read) == 0;
    if (!is_open) close(connection);
  }

  // Step 2: read. Bytes of a request, or a size below 0: the client has closed, or is gone.
  void read_request(Connection& connection, ssize_t size) {
    const std::string_view bytes(input_, size > 0 ? static_cast<std::size_t>(size) : 0);
    const bool is_open = size >= 0 && (!connection.is_busy || connection.reader.store(bytes));
    if (!is_open) return close(connection);
    if (!connection.is_busy) handle(connection, connection.reader.feed(bytes));
  }

  // Step 3: decide.
  void handle(Connection& connection, const Decision& decision) {
    connection.is_busy = !std::holds_alternative<NeedsInput>(decision);
    if (const auto* request = std::get_if<Subscribe>(&decision)) return subscribe(connection, *request);
    if (const auto* request = std::get_if<Publish>(&decision)) return publish(connection, *request);
    if (const auto* reply = std::get_if<Reply>(&decision)) return respond(connection, reply->response);
  }

  // Step 4: subscribe. There is no log to look into: every poll waits.
  void subscribe(Connection& connection, const Subscribe& request) { hold(connection, request); }

  // Step 5: publish. Each held request of the channel is answered here and now.
  void publish(Connection& connection, const Publish& request) {
    last_ = next_cursor(last_, unix_milliseconds());
    const Message message = make_message(last_, request.body, service_.options.announced_idle_seconds());
    std::size_t receivers = 0;
    const auto [first, last] = held_.equal_range(request.channel);
    for (auto next = first; next != last; ++receivers) {
      Connection& held = *(next++)->second;  // before its place ends
      end_hold(held, &message);
    }
    respond(connection, published_response(message.cursor, receivers, request.form));
  }

  // Step 6: hold. The connection is put on the list, and the loop goes on with others.
  void hold(Connection& connection, const Subscribe& request) {
    const auto on_time = [](uv_timer_t* timer) {
      auto& held = *static_cast<Connection*>(timer->data);
      held.server.end_hold(held, nullptr);
    };
    connection.is_held = true;
    connection.form = request.form;
    connection.last = last_;
    connection.place = held_.emplace(request.channel, &connection);
    const auto time = static_cast<std::uint64_t>(request.hold.count());
    require(uv_timer_start(&connection.timer, on_time, time, 0), "uv_timer_start");
  }

  // Step 7: end of a hold, by a message, or without one because its time is over.
  void end_hold(Connection& connection, const Message* message) {
    connection.is_held = false;
    held_.erase(connection.place);
    require(uv_timer_stop(&connection.timer), "uv_timer_stop");
    const ReplyForm form = connection.form;
    respond(connection,
            message ? message_response(*message, form) : no_content_response(connection.last, form));
  }

  // Step 8: respond. libuv writes what the socket takes at once, and the rest when there is room.
  void respond(Connection& connection, const Response& response) {
    const auto on_written = [](uv_write_t* write, int status) {
      auto& written = *static_cast<Connection*>(write->data);
      written.server.finish_response(written, status);
    };
    connection.response = response;
    const std::string& text = *response.bytes;
    const uv_buf_t bytes = uv_buf_init(const_cast<char*>(text.data()), static_cast<unsigned>(text.size()));
    const int error = uv_write(&connection.write, stream_of(connection.socket), &bytes, 1, on_written);
    if (error != 0) close(connection);
  }

  void finish_response(Connection& connection, int status) {
    if (status != 0 || connection.response.close) return close(connection);
    handle(connection, connection.reader.next());
  }

  // Step 9: close. libuv lets go of each handle in a callback of its own; the last one frees the connection.
  void close(Connection& connection) {
    auto* socket = reinterpret_cast<uv_handle_t*>(&connection.socket);
    if (uv_is_closing(socket)) return;  // a write that is cancelled comes here again
    if (connection.is_held) held_.erase(connection.place);
    uv_close(socket, [](uv_handle_t* closed) {
      auto* timer = reinterpret_cast<uv_handle_t*>(&static_cast<Connection*>(closed->data)->timer);
      uv_close(timer, [](uv_handle_t* last) { delete static_cast<Connection*>(last->data); });
    });
  }

  Stats stats() const { return {.pattern = "async-minimal", .pid = getpid(), .held = held_.size()}; }

  const Service service_;
  uv_loop_t* const loop_ = uv_default_loop();
  uv_tcp_t listener_;
  Held held_;
  Cursor last_;        // of the newest message
  char input_[65536];  // what was read last
};

}  // namespace comet::minimal

int main(int argc, char** argv) {
  const auto options = comet::common::start_minimal(argc, argv, "comet-async-minimal");
  comet::minimal::Server(options).run();
}
