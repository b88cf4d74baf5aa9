// Model: one thread per connection, straight-line code that blocks.
// Owner of a connection: its thread, from serve_connection() to its end.
// Runs on: that thread; accepting and the drain on the main thread.
// Wakes a held request: the publisher's thread, by the waiter's condition variable.
#include "patterns/threaded/server.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/threaded/blocking_socket.hpp"

namespace comet::threaded {
namespace {

// Bytes of the read that waits for a request, on the stack that a held request keeps: most requests fit.
constexpr std::size_t kFirstInput = 256;
constexpr std::size_t kInput = 16384;  // bytes of each read after that, on a work stack

}  // namespace

Server::Server(const Options& options, const ThreadOptions& threads)
    : service_{options, {}, &counters_},
      held_limit_(held_limit(options)),
      started_(unix_milliseconds()),
      channels_(options, Cursor{started_, 0}),
      listener_(open_listener(options)),
      threads_(std::min(threads.most, connection_limit()), threads.stack_size) {
  service_.read_stats = [this] {
    const std::lock_guard lock(channels_mutex_);
    counters_.channels = channels_.size();
    return read_stats(counters_, "threaded", started_);
  };
  // A client may be gone between poll() and accept(): that must not block.
  if (fcntl(listener_, F_SETFL, O_NONBLOCK) != 0) fail("fcntl", errno);
}

void Server::run() {
  announce_ready(listener_, service_.options);
  while (true) {
    // No vector: this loop goes on where memory is out.
    std::array<pollfd, 2 + Refusals::kMost> polled{
        {{signals_.descriptor(), POLLIN, 0}, {listener_, POLLIN, 0}}};
    const nfds_t count = 2 + refusals_.write_to(std::span(polled).subspan<2>());
    if (poll(polled.data(), count, refusals_.time_left()) < 0 && errno != EINTR) fail("poll", errno);
    if (polled[0].revents != 0) break;
    refusals_.read_and_close();
    if (polled[1].revents != 0) accept_connection();
  }
  drain();
}

// Step 1: accept. Without a thread for it the client gets its 503 and is let go. Without memory or descriptors it
// waits in the kernel's queue.
void Server::accept_connection() {
  const bool has_memory = memory_reserve_is_whole();
  const int socket = has_memory ? accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC) : -1;
  if (socket < 0) {
    pollfd signals{signals_.descriptor(), POLLIN, 0};
    const bool pause =
        !has_memory || errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (pause) poll(&signals, 1, static_cast<int>(kAcceptPause.count()));
    return;
  }
  try {
    if (threads_.start([this, socket](bool has_last) { serve_connection(socket, has_last); })) return;
    refusals_.answer(socket,
                     service_.unavailable("too many connections", {.keep_alive = false}));
  } catch (const std::bad_alloc&) {
    ::close(socket);
  }
}

// The whole life of a connection, on its own thread. Out of memory, this connection is lost and nothing else.
void Server::serve_connection(int socket, bool has_last_thread) {
  using Phase = Connection::Phase;
  std::unique_ptr<Connection> connection;
  add(counters_.connections);
  try {
    connection = std::make_unique<Connection>(socket, service_);
    connection->has_last_thread = has_last_thread;
    watcher_.add(*connection);
    if (!prepare_socket(socket, service_.options.idle_timeout)) connection->phase = Phase::closed;
    while (connection->phase < Phase::lingering) handle(*connection, read_request(*connection));
    if (connection->phase == Phase::lingering) linger(*connection);
  } catch (const std::bad_alloc&) {
  }
  close(socket, std::move(connection));
}

// Step 2: read. Blocks until a request begins or goes on. Bytes that come while one is held wait in the
// kernel.
Decision Server::read_request(Connection& connection) {
  using Phase = Connection::Phase;
  Decision decision;
  if (connection.phase == Phase::answered) {
    work_stacks_.run([&] { decision = connection.reader.next(); });
    return decision;
  }
  // Stored before the look at draining_, and drain() has them the other way round: one of the two sees the
  // other.
  connection.reading = true;
  if (draining_) {
    connection.phase = Phase::closed;
  } else if (connection.phase == Phase::idle) {
    begin_request(connection, decision);
  } else {
    continue_request(connection, decision);
  }
  connection.reading = false;
  return decision;
}

// A client that is silent, or keeps its connection, must not keep publishers from the last thread.
void Server::begin_request(Connection& connection, Decision& decision) {
  if (connection.has_last_thread && !wait_for_input(connection.socket, Clock::now() + kCrowdedWait)) {
    connection.phase = Connection::Phase::closed;
    return;
  }
  char input[kFirstInput];
  const ssize_t size = recv(connection.socket, input, sizeof input, 0);
  work_stacks_.run([&] { decision = take_input(connection, input, size); });
}

void Server::continue_request(Connection& connection, Decision& decision) {
  const bool in_time = wait_for_input(connection.socket, connection.deadline);
  work_stacks_.run([&] {
    char input[kInput];
    if (!in_time) {
      decision = Reply{connection.reader.timeout_response()};
    } else {
      const ssize_t size = recv(connection.socket, input, sizeof input, MSG_DONTWAIT);
      decision = take_input(connection, input, size);
    }
  });
}

Decision Server::take_input(Connection& connection, const char* input, ssize_t size) {
  using Phase = Connection::Phase;
  if (size > 0) {
    const std::string_view bytes(input, static_cast<std::size_t>(size));
    if (!memory_reserve_is_whole()) return Reply{connection.reader.refuse_without_memory(bytes)};
    return connection.reader.feed(bytes);
  }
  const bool nothing_yet = errno == EINTR || (connection.phase == Phase::reading && errno == EAGAIN);
  if (size == 0 || !nothing_yet) connection.phase = Phase::closed;
  return NeedsInput{};
}

// Step 3: decide. One decision; the answer to it says how the connection goes on.
void Server::handle(Connection& connection, const Decision& decision) {
  using Phase = Connection::Phase;
  if (const auto* request = std::get_if<Subscribe>(&decision)) return subscribe(connection, *request);
  if (const auto* message = std::get_if<Publish>(&decision)) return publish(connection, *message);
  if (const auto* reply = std::get_if<Reply>(&decision)) return respond(connection, reply->response);
  if (connection.phase == Phase::closed) return;
  // The header time runs from a request's first byte and is not renewed by later ones.
  if (!connection.reader.mid_request()) {
    connection.phase = Phase::idle;
  } else if (connection.phase != Phase::reading) {
    connection.phase = Phase::reading;
    const Milliseconds time = service_.options.header_timeout;
    connection.deadline = Clock::now() + (connection.has_last_thread ? std::min(time, kCrowdedWait) : time);
  }
}

// Step 4: subscribe. Answer from the log, or hold.
void Server::subscribe(Connection& connection, const Subscribe& request) {
  const bool may_hold = request.hold > Milliseconds{0} && watcher_.watch(connection);
  std::unique_lock lock(channels_mutex_);
  Channel& channel = channels_.open(request.channel);
  const Cursor since = request.since.value_or(channel.log.last());
  const auto [message, missed] = channel.log.first_after(since);
  ReplyForm form = request.form;
  form.missed = missed;
  if (!message && may_hold && !draining_ && counters_.held < std::min(held_limit_, threads_.limit() - 1)) {
    return hold(connection, std::move(lock), channel, request.hold, form);
  }
  const Response response = message ? service_.message(*message, form)
                            : request.hold == Milliseconds{0} ? no_content_response(channel.log.last(), form)
                                                              : refuse_hold(form);
  channels_.close_if_unused(channel);
  lock.unlock();
  respond(connection, response);
}

// Step 6: hold. The thread blocks here.
void Server::hold(Connection& connection, std::unique_lock<std::mutex> lock, Channel& channel,
                  Milliseconds time, ReplyForm form) {
  Waiter& waiter = *connection.waiter;
  waiter.begin();
  waiter.self = connection.waiter;
  waiter.listed = true;
  channel.waiters.push_back(waiter);
  add(counters_.held);
  const Cursor last = channel.log.last();  // and it stays so: the next publish takes the waiter out
  lock.unlock();

  Waiter::State ended = wait(connection, Clock::now() + time, form);
  if (ended != Waiter::State::message) ended = end_hold(waiter, channel);
  if (ended == Waiter::State::expired) return expire(connection, last, form);
  if (ended == Waiter::State::left) return leave(connection);
  if (ended == Waiter::State::drained) return drain_hold(connection, form);
  deliver(connection, form);
}

// Step 7: a hold ends in one of four ways: a message, the time, the client's leaving, the drain.
// A waiter that is not listed any more was taken by a publisher or the drain, who is about to end it.
Waiter::State Server::end_hold(Waiter& waiter, Channel& channel) {
  {
    const std::lock_guard lock(channels_mutex_);
    if (waiter.listed) {
      channel.waiters.erase(channel.waiters.iterator_to(waiter));
      waiter.listed = false;
      waiter.self.reset();
      subtract(counters_.held);
      channels_.close_if_unused(channel);
      waiter.end(Waiter::State::expired);  // unless the client has just left
    }
  }
  return waiter.wait();
}

void Server::deliver(Connection& connection, ReplyForm form) {
  const Message message = connection.waiter->take_message();
  respond(connection, service_.message(message, form));
}

void Server::expire(Connection& connection, Cursor last, ReplyForm form) {
  add(counters_.timeouts);
  Response response;
  work_stacks_.run([&] { response = no_content_response(last, form); });
  respond(connection, response);
}

void Server::leave(Connection& connection) {
  add(counters_.disconnects);
  connection.phase = Connection::Phase::closed;
}

// Step 8: respond. Blocks while the socket's buffer is full: for --idle-timeout if the client does not read.
void Server::respond(Connection& connection, const Response& response) {
  if (connection.has_last_thread && !response.close && !is_interim(response)) {
    return respond(connection, closing(response));
  }
  const Milliseconds idle = service_.options.idle_timeout;
  const bool sent = send_all(connection.socket, *response.bytes,
                             connection.has_last_thread ? std::min(idle, kCrowdedWait) : idle);
  if (sent && is_interim(response)) return handle(connection, NeedsInput{});  // the request's time goes on
  connection.phase = Connection::Phase::closed;
  if (sent) finish_response(connection, response);
}

void Server::finish_response(Connection& connection, const Response& response) {
  using Phase = Connection::Phase;
  if (response.is_delivery) add(counters_.delivered);
  connection.phase = response.close || draining_       ? Phase::lingering
                     : connection.reader.mid_request() ? Phase::answered
                                                       : Phase::idle;
}

// Step 9: close. First the sending side, so that the client reads the answer; then all, once it has closed
// too.
void Server::linger(Connection& connection) {
  if (shutdown(connection.socket, SHUT_WR) != 0) return;
  discard_input(connection.socket,
                Clock::now() + (connection.has_last_thread ? kCrowdedLinger : kLingerTimeout));
}

void Server::close(int socket, std::unique_ptr<Connection> connection) {
  if (connection) watcher_.remove(*connection);
  ::close(socket);
  subtract(counters_.connections);
}

}  // namespace comet::threaded
