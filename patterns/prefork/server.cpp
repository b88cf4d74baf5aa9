// Model: prefork. Worker processes serve one connection at a time, by calls that block.
// Owner of a connection: the worker that accepted it, from accept_connection() to close().
// Runs on: a worker; the master runs run() and drain() and never sees a connection.
// Wakes a held request: one write to the event of its channel, by publish() in another worker.
#include "patterns/prefork/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <unordered_set>

#include "core/lookup.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/prefork/footprint/worker_heap.hpp"

namespace comet::prefork {

// All that the processes share is made here, before the first fork: the listener, the memory, the events.
Server::Server(const Options& options, const PoolOptions& pool)
    : service_{options, [this] { return stats(); }},
      pool_options_(pool),
      started_(unix_milliseconds()),
      master_(getpid()),
      listener_(open_listener(options)),
      board_(pool.most),
      log_({.history = options.history,
            .idle_seconds = options.announced_idle_seconds(),
            .joined = options.joined.has_value()},
           options.joined.value_or(Cursor{started_, 0})),
      pool_(pool, board_, events_, [this](std::size_t slot) { work(slot); }),
      drain_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  service_.counters = &board_.counters();
  service_.count_held = [this] { return board_.held(); };
  if (drain_event_ < 0) fail("eventfd", errno);
  if (!set_no_delay(listener_)) fail("TCP_NODELAY", errno);  // accepted sockets inherit it
  if (fcntl(listener_, F_SETFL, O_NONBLOCK) != 0) fail("fcntl", errno);
}

void Server::run() {
  rehearse();
  expect_room_for_a_connection();
  if (!pool_.start()) std::exit(1);
  announce_ready(listener_, service_.options);
  pool_.supervise(signals_);
  drain();
}

// A worker's life: one connection after the other.
void Server::work(std::size_t slot) {
  use_worker_heap();
  slot_ = slot;
  epoll_.open(drain_event_);
  while (!is_worn()) {
    Connection connection(service_);
    if (!accept_connection(connection)) return;
    while (connection.phase != Phase::closed) {
      try {
        read_request(connection);
      } catch (const std::bad_alloc&) {
        answer_without_memory(connection);
      }
    }
  }
}

// Step 1: accept. A connection wakes one idle worker. False: this worker is to end, because the pool has too
// many or the server drains.
bool Server::accept_connection(Connection& connection) {
  epoll_.watch_for_connections(listener_, pool_.retirement());
  board_.set(slot_, WorkerState::idle);
  while (true) {
    const Wakeup wakeup = epoll_.sleep(Clock::time_point::max());
    if (is_draining()) return false;
    connection.socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection.socket >= 0) break;
    pause_if_out_of_descriptors(errno);
    if (wakeup.retirement && pool_.take_retirement()) return false;
  }
  board_.set(slot_, WorkerState::working);
  pool_.ask_for_growth();
  epoll_.stop_watching_for_connections(listener_, pool_.retirement());
  epoll_.watch_client(connection.socket);
  connection.since = Clock::now();
  return true;
}

// Step 2: read. The process sleeps until its client sends; the bytes become decisions. A sleeping worker is
// of no use to others. So it says that it waits, and asks only then for its patience, which is short if all
// others wait, too.
void Server::read_request(Connection& connection) {
  const Milliseconds time =
      connection.phase == Phase::reading ? service_.options.header_timeout : service_.idle_time();
  board_.set(slot_, WorkerState::waiting);
  const auto until = connection.since + patience(time, kCrowdedWait);
  const Wakeup wakeup = epoll_.sleep(until);
  board_.set(slot_, WorkerState::working);
  if (wakeup.client) {
    const ssize_t size = recv(connection.socket, input_, sizeof input_, 0);
    if (size > 0) return handle(connection, connection.reader.feed({input_, static_cast<std::size_t>(size)}));
    if (size == 0 || (errno != EAGAIN && errno != EINTR)) close(connection);
  } else if (is_draining()) {
    close(connection);
  } else if (Clock::now() >= until) {
    if (connection.phase == Phase::idle) return close(connection);
    respond(connection, connection.reader.timeout_response());
  }
}

// Step 3: decide. Goes on until the input is used up or the connection is closed.
void Server::handle(Connection& connection, Decision decision) {
  while (!std::holds_alternative<NeedsInput>(decision)) {
    ++requests_;
    if (const auto* request = std::get_if<Subscribe>(&decision)) {
      connection.form = request->form;
      subscribe(connection, *request);
    } else if (const auto* message = std::get_if<Publish>(&decision)) {
      connection.form = message->form;
      publish(connection, *message);
    } else {
      respond(connection, std::get<Reply>(decision).response);
    }
    if (connection.phase == Phase::closed) return;
    decision = connection.reader.next();
  }
  // Both times begin once: that of a request with its first byte, the idle time with the answer before. Bytes
  // that complete no request, such as empty lines, renew neither.
  const bool has_begun = connection.phase == Phase::reading || connection.reader.mid_request();
  const Phase phase = has_begun ? Phase::reading : Phase::idle;
  if (connection.phase == phase) return;
  connection.phase = phase;
  connection.since = Clock::now();
}

// Step 4: subscribe. Answer from the log, or hold.
void Server::subscribe(Connection& connection, const Subscribe& request) {
  Channel channel(request.channel);
  const auto [message, missed, last] = log_.first_after(channel, request.since);
  connection.form.missed = missed;
  connection.last = last;
  switch (outcome_of(message.has_value(), request)) {
    case Outcome::message:
      return respond(connection, service_.message(*message, connection.form));
    case Outcome::no_content:
      return respond(connection, no_content_response(last, connection.form));
    case Outcome::hold:
      connection.channel = channel;
      connection.until = Clock::now() + request.hold;
      return hold(connection);
  }
}

// Step 5: publish. In publish.cpp.

// Step 6: hold. The process sleeps until there is a message, its client leaves, the time is over or the
// server drains. It watches the event of its channel before it looks at the log, so a message that comes
// after the look ends the sleep.
void Server::hold(Connection& connection) {
  connection.phase = Phase::held;
  epoll_.watch_channel(events_.of(connection.channel.hash));
  board_.begin_hold(slot_, connection.channel.hash, log_.published());
  if (const char* why = why_not_hold()) return refuse_hold(connection, why);
  while (true) {
    if (const auto message = look(connection)) return deliver(connection, *message);
    const Wakeup wakeup = epoll_.sleep(connection.until);
    if (wakeup.client && !store_input(connection)) return leave(connection);
    if (is_draining()) return drain_hold(connection);
    if (board_.take_shedding(slot_)) return refuse_hold(connection, "no worker is free");
    if (Clock::now() >= connection.until) return expire(connection);
  }
}

// The first message that this request has not looked past.
std::optional<Message> Server::look(Connection& connection) const {
  const auto [message, missed, last] = log_.first_after(connection.channel, connection.last);
  connection.form.missed = connection.form.missed || missed;
  connection.last = last;
  return message;
}

// Bytes that come while a request is held wait for its end. False if the client has left, or has
// sent too many.
bool Server::store_input(Connection& connection) {
  const ssize_t size = recv(connection.socket, input_, sizeof input_, 0);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  return size > 0 && connection.reader.store({input_, static_cast<std::size_t>(size)});
}

// Step 7: end of a hold, in one of four ways: a message, the time, the client's leaving, the drain. Once it
// has ended no publish counts it any more. One that did has put its message into the log before, so the log
// is looked at once more.
void Server::end_hold(Connection& connection) {
  board_.end_hold(slot_);
  connection.phase = Phase::idle;
}

void Server::deliver(Connection& connection, const Message& message) {
  end_hold(connection);
  respond(connection, service_.message(message, connection.form));
}

void Server::expire(Connection& connection) {
  end_hold(connection);
  if (const auto message = look(connection)) return deliver(connection, *message);
  add(board_.counters().timeouts);
  respond(connection, no_content_response(connection.last, connection.form));
}

void Server::leave(Connection& connection) {
  end_hold(connection);
  add(board_.counters().disconnects);
  close(connection);
}

// Step 8: respond. Most answers fit the socket's buffer and leave at once; for the rest the process waits
// until there is room.
void Server::respond(Connection& connection, const Response& response) {
  if (!response.close && !is_interim(response) && must_close(connection)) {
    return respond(connection, closing(response));
  }
  if (!send_all(connection, *response.bytes)) return close(connection);
  if (is_interim(response)) return;
  if (response.is_delivery) add(board_.counters().delivered);
  connection.phase = Phase::answered;
  if (response.close || is_draining()) linger(connection);
}

// False if the client is gone, or has read nothing for the idle time.
bool Server::send_all(const Connection& connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(connection.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    if (sent >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    board_.set(slot_, WorkerState::waiting);
    pollfd room{connection.socket, POLLOUT, 0};
    const auto until = Clock::now() + patience(service_.options.idle_timeout, kCrowdedWait);
    const int ready = poll(&room, 1, milliseconds_until(until));
    board_.set(slot_, WorkerState::working);
    if (ready == 0) return false;
  }
  return true;
}

// Step 9: close. First the sending side, so that the client reads the answer; then all, when it
// has closed too.
void Server::linger(Connection& connection) {
  const auto until = Clock::now() + patience(kLingerTimeout, kCrowdedLinger);
  pollfd input{connection.socket, POLLIN, 0};
  bool open = shutdown(connection.socket, SHUT_WR) == 0;
  while (open && poll(&input, 1, milliseconds_until(until)) != 0 && Clock::now() < until) {
    const ssize_t size = recv(connection.socket, input_, sizeof input_, 0);
    open = size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
  }
  close(connection);
}

void Server::close(Connection& connection) {
  epoll_.stop_watching_channel();
  ::close(connection.socket);
  connection.phase = Phase::closed;
}

// Channels are those with messages and those that are waited for.
Stats Server::stats() {
  Stats stats = read_stats(board_.counters(), "prefork", started_);
  stats.pid = master_;
  stats.connections = board_.connections();
  std::unordered_set<std::uint64_t> channels;
  log_.for_each_channel([&channels](std::uint64_t hash) { channels.insert(hash); });
  board_.for_each_hold([&](std::uint64_t hash) {
    ++stats.held;
    channels.insert(hash);
  });
  stats.channels = channels.size();
  return stats;
}

}  // namespace comet::prefork
