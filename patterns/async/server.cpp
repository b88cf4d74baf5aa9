// Model: asynchronous event loop. All callbacks run one after another, so nothing is locked.
// Owner of a connection: the loop, from accept_connection() to the callback of uv_close().
// Runs on: the one thread that calls run().
// Wakes a held request: publish(), which walks the channel's list and writes to each socket in turn.
#include "patterns/async/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "patterns/async/libuv_call.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"

namespace comet::async {
namespace {

// libuv's table of descriptors grows with them, and libuv abort()s where it cannot.
void* reallocate(void* memory, std::size_t size) {
  void* larger = std::realloc(memory, size);
  while (!larger && size > 0 && use_memory_reserve()) larger = std::realloc(memory, size);
  return larger;
}

uv_handle_t* handle_of(Connection& connection) { return reinterpret_cast<uv_handle_t*>(&connection.socket); }

}  // namespace

Server::Server(const Options& options)
    : service_{options, {}, &counters_},
      held_limit_(held_limit(options)),
      connection_limit_(connection_limit()),
      started_(unix_milliseconds()),
      channels_(options.history, Cursor{started_, 0}),
      listener_(options, [this](int socket) { accept_connection(socket); }),
      timer_([this](Deadline& deadline) { end_time(static_cast<Connection&>(deadline)); },
             [this] { continue_early_requests(); }) {
  service_.read_stats = [this] {
    counters_.channels = channels_.size();
    return read_stats(counters_, "async", started_);
  };
  require(uv_replace_allocator(std::malloc, reallocate, std::calloc, std::free), "uv_replace_allocator");
  say_why_libuv_aborts();
  require(uv_loop_init(&loop_), "uv_loop_init");
  loop_.data = this;
  timer_.open(loop_);
  listener_.open(loop_);
  require(uv_timer_init(&loop_, &drain_timer_), "uv_timer_init");
  require(uv_poll_init(&loop_, &signal_watch_, signals_.descriptor()), "uv_poll_init");
}

void Server::run() {
  const auto on_signal = [](uv_poll_t* watch, int, int) {
    server_of(reinterpret_cast<uv_handle_t*>(watch)).drain();
  };
  require(uv_poll_start(&signal_watch_, UV_READABLE, on_signal), "uv_poll_start");
  start_work_pool();
  if (std::signal(SIGABRT, SIG_DFL) == SIG_ERR) fail("signal", errno);
  listener_.start();
  announce_ready(listener_.descriptor(), service_.options);
  uv_run(&loop_, UV_RUN_DEFAULT);
  require(uv_loop_close(&loop_), "uv_loop_close");
}

// Step 1: accept. Over the limit of connections the client gets its 503 and is let go.
void Server::accept_connection(int socket) {
  auto* connection = new Connection(service_);
  require(uv_tcp_init(&loop_, &connection->socket), "uv_tcp_init");
  connection->socket.data = connection;
  add(counters_.connections);
  if (uv_tcp_open(&connection->socket, socket) != 0) {
    ::close(socket);
    return close(*connection);
  }
  if (uv_tcp_nodelay(&connection->socket, 1) != 0) return close(*connection);
  if (!start_reading(*connection)) return;
  if (counters_.connections > connection_limit_) {
    return respond(*connection,
                   service_.unavailable("too many connections", {.keep_alive = false}));
  }
  timer_.set(*connection, service_.options.idle_timeout);
}

// False where that fails: the connection is closed. uv_read_stop() is its opposite.
bool Server::start_reading(Connection& connection) {
  const auto give_buffer = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    Server& server = server_of(handle);
    *buffer = uv_buf_init(server.input_, sizeof server.input_);
  };
  const auto on_read = [](uv_stream_t* stream, ssize_t size, const uv_buf_t*) {
    if (size == 0) return;  // libuv's way to say EAGAIN
    Server& server = server_of(reinterpret_cast<uv_handle_t*>(stream));
    server.read_request(connection_of(stream), size);
    server.continue_early_requests();
  };
  if (uv_read_start(stream_of(connection), give_buffer, on_read) == 0) return true;
  close(connection);
  return false;
}

// Step 2: read. Bytes become decisions; while a request is held they are put aside, and an end of input means
// that the client has left.
void Server::read_request(Connection& connection, ssize_t size) {
  using Phase = Connection::Phase;
  const bool held = connection.phase == Phase::held;
  if (size < 0) return held ? leave(connection) : close(connection);
  if (connection.phase == Phase::lingering) return;
  const std::string_view bytes(input_, static_cast<std::size_t>(size));
  if (!memory_reserve_is_whole()) {
    if (held) channels_.close_if_unused(end_hold(connection));
    return respond(connection, connection.reader.refuse_without_memory(bytes));
  }
  if (!held) return handle(connection, connection.reader.feed(bytes));
  if (!connection.reader.store(bytes)) leave(connection);
}

// Step 3: decide. Goes on until the input is used up or the connection is held, blocked or closing.
void Server::handle(Connection& connection, Decision decision) {
  using Phase = Connection::Phase;
  while (true) {
    if (std::holds_alternative<NeedsInput>(decision)) break;
    if (const auto* request = std::get_if<Subscribe>(&decision)) {
      subscribe(connection, *request);
    } else if (auto* message = std::get_if<Publish>(&decision)) {
      publish(connection, std::move(*message));
    } else {
      respond(connection, std::get<Reply>(decision).response);
    }
    if (connection.phase != Phase::idle && connection.phase != Phase::reading) return;
    decision = connection.reader.next();
  }
  // The header time runs from a request's first byte and is not renewed by later ones.
  if (!connection.reader.mid_request()) {
    connection.phase = Phase::idle;
    timer_.set(connection, service_.options.idle_timeout);
  } else if (connection.phase == Phase::idle) {
    connection.phase = Phase::reading;
    timer_.set(connection, service_.options.header_timeout);
  }
}

// Step 4: subscribe. Answer from the log, or hold.
void Server::subscribe(Connection& connection, const Subscribe& request) {
  Channel& channel = channels_.open(request.channel);
  const Cursor since = request.since.value_or(channel.log.last());
  const auto [message, missed] = channel.log.first_after(since);
  ReplyForm form = request.form;
  form.missed = missed;
  if (message) return respond(connection, service_.message(*message, form));
  if (request.hold > Milliseconds{0} && counters_.held < held_limit_) {
    return hold(connection, channel, request.hold, form);
  }
  const Cursor last = channel.log.last();
  channels_.close_if_unused(channel);
  if (request.hold == Milliseconds{0}) return respond(connection, no_content_response(last, form));
  respond(connection, service_.unavailable("too many held requests", form));
}

// Step 6: hold. The connection stays readable, so that the loop reports the client's leaving.
void Server::hold(Connection& connection, Channel& channel, Milliseconds time, ReplyForm form) {
  connection.phase = Connection::Phase::held;
  connection.channel = &channel;
  connection.form = form;
  channel.waiters.push_back(connection);
  add(counters_.held);
  timer_.set(connection, time);
}

// Step 7: a hold ends in one of four ways: a message, the time, the client's leaving, the drain.
Channel& Server::end_hold(Connection& connection) {
  Channel& channel = *std::exchange(connection.channel, nullptr);
  if (connection.WaiterHook::is_linked()) channel.waiters.erase(channel.waiters.iterator_to(connection));
  connection.phase = Connection::Phase::idle;
  subtract(counters_.held);
  return channel;
}

void Server::expire(Connection& connection) {
  Channel& channel = end_hold(connection);
  const Cursor last = channel.log.last();
  channels_.close_if_unused(channel);
  add(counters_.timeouts);
  respond(connection, no_content_response(last, connection.form));
  note_early_request(connection);
}

void Server::leave(Connection& connection) {
  channels_.close_if_unused(end_hold(connection));
  add(counters_.disconnects);
  close(connection);
}

// Requests that came behind a held one. Not answered inside wake(): each could publish, and wake, in turn.
void Server::note_early_request(Connection& connection) {
  if (connection.phase == Connection::Phase::idle && connection.reader.mid_request()) {
    early_.push_back(connection);
  }
}

void Server::continue_early_requests() {
  while (!early_.empty()) {
    Connection& connection = early_.front();
    early_.pop_front();
    handle(connection, connection.reader.next());
  }
}

// Step 8: respond. Most answers fit the socket's buffer and leave at once; the rest follows when there is
// room.
void Server::respond(Connection& connection, const Response& response) {
  uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(response.bytes->data()), static_cast<unsigned>(response.bytes->size()));
  const int sent = uv_try_write(stream_of(connection), &buffer, 1);
  if (sent < 0 && sent != UV_EAGAIN) return close(connection);
  if (sent == static_cast<int>(buffer.len) && is_interim(response)) return;
  if (sent == static_cast<int>(buffer.len)) return finish_response(connection, response);
  write_later(connection, response, sent < 0 ? 0 : static_cast<std::size_t>(sent));
}

void Server::finish_response(Connection& connection, const Response& response) {
  if (response.is_delivery) add(counters_.delivered);
  if (response.close || draining_) return linger(connection);
  connection.phase = Connection::Phase::idle;
  timer_.set(connection, service_.options.idle_timeout);
}

// Step 9: close. First the sending side, so that the client reads the answer; then all, when it has closed
// too.
void Server::linger(Connection& connection) {
  uv_os_fd_t descriptor = -1;
  if (uv_fileno(handle_of(connection), &descriptor) != 0 || ::shutdown(descriptor, SHUT_WR) != 0) {
    return close(connection);
  }
  connection.phase = Connection::Phase::lingering;
  timer_.set(connection, kLingerTimeout);
}

void Server::close(Connection& connection) {
  if (std::exchange(connection.phase, Connection::Phase::closed) == Connection::Phase::closed) return;
  timer_.cancel(connection);
  if (connection.WaiterHook::is_linked()) early_.erase(early_.iterator_to(connection));
  subtract(counters_.connections);
  uv_close(handle_of(connection), [](uv_handle_t* handle) {
    Server& server = server_of(handle);
    delete &connection_of(handle);
    if (server.draining_ && server.counters_.connections == 0) server.close_last_handles();
  });
}

// A time is over: that of a hold, of a request's arrival, or of a connection that does nothing.
void Server::end_time(Connection& connection) {
  using Phase = Connection::Phase;
  if (connection.phase == Phase::held) return expire(connection);
  if (connection.phase == Phase::reading) return respond(connection, connection.reader.timeout_response());
  if (connection.phase == Phase::writing) {
    const std::size_t unsent = uv_stream_get_write_queue_size(stream_of(connection));
    if (std::exchange(connection.unsent, unsent) > unsent)
      return timer_.set(connection, service_.options.idle_timeout);
  }
  close(connection);
}

}  // namespace comet::async
