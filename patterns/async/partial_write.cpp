// Model: asynchronous event loop. The rest of an answer that the socket did not take at once.
// Owner of a connection: the loop; of the rest, libuv until its callback.
// Runs on: the loop's thread.
// Wakes a held request: nothing here.
#include <memory>

#include "patterns/async/server.hpp"

namespace comet::async {
namespace {

// A write that the socket did not take at once. It keeps the shared bytes alive until libuv has sent them.
struct LaterWrite {
  uv_write_t request;
  Response response;
};

}  // namespace

// Until the rest is sent nothing is read from the client; it is closed if it takes nothing for
// --idle-timeout. An interim answer (100 Continue) changes neither: its request goes on, and so
// does its time.
void Server::write_later(Connection& connection, const Response& response, std::size_t sent) {
  if (!is_interim(response)) {
    connection.phase = Phase::writing;
    uv_read_stop(stream_of(connection));
    timer_.set(connection, service_.options.idle_timeout);
  }
  auto write = std::make_unique<LaterWrite>(LaterWrite{{}, response});
  uv_buf_t rest = uv_buf_init(const_cast<char*>(response.bytes->data() + sent),
                              static_cast<unsigned>(response.bytes->size() - sent));
  const auto on_written = [](uv_write_t* request, int status) {
    const std::unique_ptr<LaterWrite> done(reinterpret_cast<LaterWrite*>(request));
    Server& server = server_of(reinterpret_cast<uv_handle_t*>(request->handle));
    Connection& owner = connection_of(request->handle);
    if (owner.phase == Phase::closed) return;
    if (is_interim(done->response)) return;  // an error is the next read's too
    if (status != 0) return server.close(owner);
    owner.phase = Phase::idle;
    if (!server.start_reading(owner)) return;
    server.finish_response(owner, done->response);
    if (owner.phase == Phase::idle) server.handle(owner, owner.reader.next());
    server.continue_early_requests();
  };
  if (uv_write(&write->request, stream_of(connection), &rest, 1, on_written) != 0) return close(connection);
  static_cast<void>(write.release());  // on_written owns it
  if (!is_interim(response)) connection.unsent = uv_stream_get_write_queue_size(stream_of(connection));
}

}  // namespace comet::async
