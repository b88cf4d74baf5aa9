// Model: asynchronous event loop. All callbacks run one after another, so nothing is locked.
// Owner of a connection: the loop, from accept_connection() to the callback of uv_close().
// Runs on: the one thread that calls run().
// Wakes a held request: publish(), which walks the channel's list and writes to each socket in turn.
#include "patterns/async/server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "core/lookup.hpp"
#include "patterns/async/hardening/libuv_call.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"

namespace comet::async {

Server::Server(const Options& options)
    : service_{options, {}, &counters_},
      held_limit_(held_limit(options)),
      connection_limit_(connection_limit()),
      started_(unix_milliseconds()),
      channels_(options, Cursor{started_, 0}),
      listener_(options, [this](int socket) { accept_connection(socket); }),
      timer_([this](Deadline& deadline) { end_time(static_cast<Connection&>(deadline)); },
             [this] { continue_early_requests(); }) {
  service_.read_stats = [this] {
    counters_.channels = channels_.size();
    return read_stats(counters_, "async", started_);
  };
  prepare_libuv();
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
    return respond(*connection, service_.unavailable("too many connections", {.keep_alive = false}));
  }
  timer_.set(*connection, service_.idle_time());
}

// From now on the loop calls back with each piece of input. False if libuv cannot: the connection is closed.
bool Server::start_reading(Connection& connection) {
  const auto give_buffer = [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    Server& server = server_of(handle);
    *buffer = uv_buf_init(server.input_, sizeof server.input_);
  };
  const auto on_read = [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
    if (size == 0) return;  // libuv's way to say EAGAIN
    Server& server = server_of(reinterpret_cast<uv_handle_t*>(stream));
    Connection& reading = connection_of(stream);
    if (size > 0) {
      server.read_request(reading, {buffer->base, static_cast<std::size_t>(size)});
    } else if (reading.phase == Phase::held) {
      server.leave(reading);
    } else {
      server.close(reading);
    }
    server.continue_early_requests();
  };
  if (uv_read_start(stream_of(connection), give_buffer, on_read) == 0) return true;
  close(connection);
  return false;
}

// Step 2: read. Bytes become decisions; while a request is held they are put aside.
void Server::read_request(Connection& connection, std::string_view bytes) {
  if (connection.phase == Phase::lingering) return;
  if (!memory_reserve_is_whole()) return refuse_without_memory(connection, bytes);
  if (connection.phase != Phase::held) return handle(connection, connection.reader.feed(bytes));
  if (!connection.reader.store(bytes)) leave(connection);
}

// Step 3: decide. Goes on until the input is used up or the connection is held, blocked or closing.
void Server::handle(Connection& connection, Decision decision) {
  while (!std::holds_alternative<NeedsInput>(decision)) {
    if (const auto* request = std::get_if<Subscribe>(&decision)) {
      subscribe(connection, *request);
    } else if (const auto* message = std::get_if<Publish>(&decision)) {
      publish(connection, *message);
    } else {
      respond(connection, std::get<Reply>(decision).response);
    }
    if (connection.phase != Phase::idle && connection.phase != Phase::reading) return;
    decision = connection.reader.next();
  }
  // The header time runs from a request's first byte; later bytes do not renew it.
  if (connection.phase == Phase::idle && connection.reader.mid_request()) {
    connection.phase = Phase::reading;
    timer_.set(connection, service_.options.header_timeout);
  }
}

// Step 4: subscribe. Answer from the log, or hold.
void Server::subscribe(Connection& connection, const Subscribe& request) {
  Channel& channel = channels_.open(request.channel);
  const Lookup found = look_up(channel.log, request);
  if (found.outcome == Outcome::message)
    return respond(connection, service_.message(*found.message, found.form));
  if (found.outcome == Outcome::hold && counters_.held < held_limit_) {
    connection.form = found.form;
    connection.channel = &channels_.waiting_place(channel, found.last);
    timer_.set(connection, request.hold);
    return hold(connection);
  }
  channels_.close_if_unused(channel);
  if (found.outcome == Outcome::no_content)
    return respond(connection, no_content_response(found.last, found.form));
  respond(connection, service_.unavailable("too many held requests", found.form));
}

// Step 5: publish. In publish.cpp.

// Step 6: hold. The struct joins its channel's list and the callback returns: nothing else waits. The
// connection stays readable, so that the loop reports the client's leaving.
void Server::hold(Connection& connection) {
  connection.phase = Phase::held;
  connection.channel->waiters.push_back(connection);
  add(counters_.held);
}

// Step 7: end of a hold, in one of four ways: a message, the time, the client's leaving, the drain.
void Server::end_hold(Connection& connection) {
  Channel& channel = *std::exchange(connection.channel, nullptr);
  if (connection.WaiterHook::is_linked()) channel.waiters.erase(channel.waiters.iterator_to(connection));
  connection.phase = Phase::idle;
  subtract(counters_.held);
  channels_.close_if_unused(channel);
}

void Server::deliver(Connection& connection, const Message& message) {
  end_hold(connection);
  respond(connection, service_.message(message, connection.form));
  note_early_request(connection);
}

void Server::expire(Connection& connection) {
  const Cursor last = connection.channel->log.last();
  end_hold(connection);
  add(counters_.timeouts);
  respond(connection, no_content_response(last, connection.form));
  note_early_request(connection);
}

void Server::leave(Connection& connection) {
  end_hold(connection);
  add(counters_.disconnects);
  close(connection);
}

void Server::drain_hold(Connection& connection) {
  end_hold(connection);
  respond(connection, service_.shutting_down(connection.form));
}

// Requests that came behind a held one are not answered inside deliver(): each could publish, and
// wake, in turn.
void Server::note_early_request(Connection& connection) {
  if (connection.phase == Phase::idle && connection.reader.mid_request()) early_.push_back(connection);
}

void Server::continue_early_requests() {
  while (!early_.empty()) {
    Connection& connection = early_.front();
    early_.pop_front();
    handle(connection, connection.reader.next());
  }
}

// Step 8: respond. Most answers fit the socket's buffer and leave at once; the rest follows when there is
// room (partial_write.cpp).
void Server::respond(Connection& connection, const Response& response) {
  uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(response.bytes->data()), static_cast<unsigned>(response.bytes->size()));
  const int sent = uv_try_write(stream_of(connection), &buffer, 1);
  if (sent < 0 && sent != UV_EAGAIN) return close(connection);
  if (sent < static_cast<int>(buffer.len)) {
    return write_later(connection, response, sent < 0 ? 0 : static_cast<std::size_t>(sent));
  }
  if (!is_interim(response)) finish_response(connection, response);
}

void Server::finish_response(Connection& connection, const Response& response) {
  if (response.is_delivery) add(counters_.delivered);
  if (response.close || draining_) return linger(connection);
  connection.phase = Phase::idle;
  timer_.set(connection, service_.idle_time());
}

// Step 9: close. First the sending side, so that the client reads the answer; then all, when it
// has closed too.
void Server::linger(Connection& connection) {
  uv_os_fd_t descriptor = -1;
  if (uv_fileno(handle_of(connection), &descriptor) != 0 || ::shutdown(descriptor, SHUT_WR) != 0) {
    return close(connection);
  }
  connection.phase = Phase::lingering;
  timer_.set(connection, kLingerTimeout);
}

void Server::close(Connection& connection) {
  if (std::exchange(connection.phase, Phase::closed) == Phase::closed) return;
  timer_.cancel(connection);
  if (connection.WaiterHook::is_linked()) early_.erase(early_.iterator_to(connection));
  subtract(counters_.connections);
  uv_close(handle_of(connection), [](uv_handle_t* handle) {
    Server& server = server_of(handle);
    delete &connection_of(handle);
    if (server.draining_ && server.counters_.connections == 0) server.close_last_handles();
  });
}

// A time is over: that of a hold, of a request's arrival, of a write, or of a connection that does nothing.
void Server::end_time(Connection& connection) {
  if (connection.phase == Phase::held) return expire(connection);
  if (connection.phase == Phase::reading) return respond(connection, connection.reader.timeout_response());
  if (connection.phase == Phase::writing) {
    const std::size_t unsent = uv_stream_get_write_queue_size(stream_of(connection));
    if (std::exchange(connection.unsent, unsent) > unsent) {
      return timer_.set(connection, service_.options.idle_timeout);
    }
  }
  close(connection);
}

}  // namespace comet::async
