// Model: a pool of threads over one Asio loop; a held request is a Continuation and costs no thread.
// Owner of a connection: one thread of the pool at a time; channel logs and waiters belong to the strand.
// Runs on: every thread that is in run(), whichever is free.
// Wakes a held request: publish(), which resumes each continuation; resume_styles.cpp shows the three ways.
#include "patterns/continuations/server.hpp"

#include <array>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"

namespace comet::continuations {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

thread_local std::array<char, 65536> input;  // read into, then fed to a reader, within one handler

asio::ip::tcp family_of(const Options& options) {
  error_code error;  // open_listener() says what is wrong with an address
  return asio::ip::make_address(options.address, error).is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
}

}  // namespace

Server::Server(const Options& options, unsigned threads, ResumeStyle style)
    : service_{options, [this] { return read_stats(counters_, "continuations", started_); }, &counters_},
      threads_(threads),
      style_(style),
      held_limit_(style == ResumeStyle::stackful ? std::min(held_limit(options), stacks_.most() - kPublishers)
                                                 : held_limit(options)),
      connection_limit_(connection_limit()),
      started_(unix_milliseconds()),
      pool_(static_cast<int>(threads)),
      strand_(pool_.get_executor()),
      channels_(options, Cursor{started_, 0}),
      deadlines_(
          pool_,
          [](Deadline& deadline, Event event) {
            return static_cast<Connection&>(deadline).ownership.raise(event) == Ownership::Turn::mine;
          },
          [this](Deadline& deadline) { handle_event(static_cast<Connection&>(deadline)); }),
      acceptor_(pool_, family_of(options), open_listener(options)),
      signal_watch_(pool_, signals_.descriptor()),
      accept_timer_(pool_),
      drain_timer_(pool_) {}

void Server::run() {
  signal_watch_.async_wait(asio::posix::stream_descriptor::wait_read,
                           asio::bind_executor(strand_, [this](const error_code&) { drain(); }));
  const int listener = acceptor_.native_handle();  // before the others run: a drain closes it
  accept_connection();
  std::vector<std::jthread> others;
  try {
    while (others.size() < service_.options.publish_work_threads) {
      others.emplace_back([this] { work_pool_.attach(); });
    }
    for (unsigned i = 1; i < threads_; ++i) others.emplace_back([this] { pool_.run(); });
  } catch (const std::system_error& error) {
    fail("starting threads (fewer --threads or --publish-work-threads?)", error.code().value());
  }
  announce_ready(listener, service_.options);
  pool_.run();
  work_pool_.stop();
}

// Step 1: accept. Over the limit of connections the client gets its 503 and is let go. Where memory or descriptors
// are out new ones wait in the kernel's queue.
void Server::accept_connection() {
  if (!memory_reserve_is_whole()) return accept_later();
  acceptor_.async_accept(pool_.get_executor(),
                         asio::bind_executor(strand_, [this](const error_code& error, Socket socket) {
                           if (draining_) return;
                           if (!error) begin(std::move(socket));
                           if (!error || error == asio::error::connection_aborted) return accept_connection();
                           accept_later();
                         }));
}

void Server::accept_later() {
  accept_timer_.expires_after(kAcceptPause);
  accept_timer_.async_wait(asio::bind_executor(strand_, [this](const error_code& cancelled) {
    if (!cancelled && !draining_) accept_connection();
  }));
}

void Server::begin(Socket&& socket) {
  error_code error;
  socket.non_blocking(true, error);
  if (error || !set_no_delay(socket.native_handle())) return;
  auto& connection = *new Connection(service_, std::move(socket));
  add(counters_.connections);
  wait_for_input(connection);
  if (counters_.connections > connection_limit_) {
    return respond(connection,
                   service_.unavailable("too many connections", {.keep_alive = false}));
  }
  set_deadline(connection, service_.options.idle_timeout);
  release(connection);
}

// Step 2: read. Bytes become decisions; while a request is held they are put aside, and an end of input means
// that the client has left.
void Server::read_request(Connection& connection) {
  using Phase = Connection::Phase;
  const bool held = connection.phase == Phase::held;
  if (connection.phase == Phase::writing) return release(connection);
  error_code error;
  const std::size_t size = connection.socket.read_some(asio::buffer(input), error);
  if (error && error != asio::error::would_block) return held ? leave(connection) : close(connection);
  const std::string_view bytes(input.data(), size);
  if (size > 0 && connection.phase != Phase::lingering && !memory_reserve_is_whole()) {
    if (!held) return respond(connection, connection.reader.refuse_without_memory(bytes));
    if (connection.continuation.refuse()) {
      connection.continuation.attributes.no_memory = true;
      return end_hold(connection);
    }
  }
  if (held && !connection.reader.store(bytes)) return leave(connection);
  wait_for_input(connection);
  if (held || connection.phase == Phase::lingering || size == 0) return release(connection);
  handle(connection, connection.reader.feed(bytes));
}

// Step 3: decide. One decision; finish_response() comes back for the next where the input is not used up.
void Server::handle(Connection& connection, Decision decision) {
  using Phase = Connection::Phase;
  if (auto* request = std::get_if<Subscribe>(&decision))
    return begin_subscribe(connection, std::move(*request));
  if (auto* message = std::get_if<Publish>(&decision)) return publish(connection, std::move(*message));
  if (auto* reply = std::get_if<Reply>(&decision)) return respond(connection, reply->response);
  // The header time runs from a request's first byte and is not renewed by later ones.
  if (!connection.reader.mid_request()) {
    connection.phase = Phase::idle;
    set_deadline(connection, service_.options.idle_timeout);
  } else if (connection.phase == Phase::idle) {
    connection.phase = Phase::reading;
    set_deadline(connection, service_.options.header_timeout);
  }
  if (draining_) return close(connection);
  release(connection);
}

// Step 4: subscribe. Answer from the log, or hold. The connection goes to the strand and comes back from it.
void Server::subscribe(Connection& connection, Subscribe&& request) {
  asio::dispatch(strand_, [this, &connection, request = std::move(request)] {
    Channel& channel = channels_.open(request.channel);
    const Cursor since = request.since.value_or(channel.log.last());
    const auto [message, missed] = channel.log.first_after(since);
    Continuation& continuation = connection.continuation;
    continuation.attributes.form = request.form;
    continuation.attributes.form.missed = missed;
    if (message) {
      continuation.resume(std::make_shared<const Message>(*message));
    } else if (request.hold > Milliseconds{0} && counters_.held < held_limit_ && !draining_) {
      return hold(connection, channel, request.hold);
    } else {
      request.hold == Milliseconds{0} ? continuation.expire() : continuation.refuse();
    }
    continuation.attributes.cursor = channel.log.last();
    channels_.close_if_unused(channel);
    count_channels();
    asio::post(pool_, [this, &connection] { go_on(connection); });
  });
}

// Step 6: hold. The connection stays readable, so that the pool reports the client's leaving. In the strand.
void Server::hold(Connection& connection, Channel& channel, Milliseconds time) {
  connection.phase = Connection::Phase::held;
  connection.channel = &channel;
  // The cursor of the 204. Not taken at the hold's end: a message may come between the claim and end_hold().
  connection.continuation.attributes.cursor = channel.log.last();
  channel.waiters.push_back(connection);
  add(counters_.held);
  count_channels();
  set_deadline(connection, time);
  release(connection);
}

// Step 7: a hold ends in one of four ways: a message, the time, the client's leaving, the drain. Whoever wins
// the continuation comes here; the others do nothing. A publisher is in the strand already and does the same
// in wake().
void Server::end_hold(Connection& connection) {
  asio::dispatch(strand_, [this, &connection] {
    Channel& channel = *std::exchange(connection.channel, nullptr);
    channel.waiters.erase(Waiters::s_iterator_to(connection));
    subtract(counters_.held);
    channels_.close_if_unused(channel);
    count_channels();
    asio::post(pool_, [this, &connection] { go_on(connection); });
  });
}

void Server::expire(Connection& connection) {
  if (!connection.continuation.expire()) return release(connection);
  add(counters_.timeouts);
  end_hold(connection);
}

// Where the answer is already on its way, go_on() will find that there is nobody to take it.
void Server::leave(Connection& connection) {
  add(counters_.disconnects);
  connection.client_left = true;
  if (!connection.continuation.abandon()) return release(connection);
  end_hold(connection);
}

// Step 8: respond. Most answers fit the socket's buffer and leave at once; the rest follows when there is
// room.
void Server::respond(Connection& connection, const Response& response) {
  error_code error;
  const std::size_t sent = connection.socket.write_some(asio::buffer(*response.bytes), error);
  if (error && error != asio::error::would_block) return close(connection);
  if (sent == response.bytes->size() && is_interim(response)) return handle(connection, NeedsInput{});
  if (sent == response.bytes->size()) return finish_response(connection, response);
  write_later(connection, response, sent);
}

// A client that does not read is not read from either, and is closed when its idle time is over.
void Server::write_later(Connection& connection, const Response& response, std::size_t sent) {
  if (cutting_) return close(connection);  // the cut does not find one that a thread works on
  const auto phase = std::exchange(connection.phase, Connection::Phase::writing);
  connection.rest = std::make_unique<Connection::Rest>(Connection::Rest{response, sent, phase});
  if (!is_interim(response)) set_deadline(connection, service_.options.idle_timeout);
  connection.socket.async_wait(
      Socket::wait_write, [this, &connection](const error_code&) { on_event(connection, Event::writable); });
  release(connection);
}

void Server::write_rest(Connection& connection) {
  const auto rest = std::exchange(connection.rest, nullptr);
  connection.phase = rest->phase;
  error_code error;
  const std::size_t sent =
      connection.socket.write_some(asio::buffer(*rest->response.bytes) + rest->sent, error);
  if (error && error != asio::error::would_block) return close(connection);
  rest->sent += sent;
  if (rest->sent < rest->response.bytes->size()) return write_later(connection, rest->response, rest->sent);
  if (!is_interim(rest->response)) return finish_response(connection, rest->response);
  wait_for_input(connection);
  handle(connection, NeedsInput{});
}

// A request that came early is not handled here: a client that sends many would deepen the stack with each.
void Server::finish_response(Connection& connection, const Response& response) {
  if (response.is_delivery) add(counters_.delivered);
  connection.continuation.complete();
  if (response.close || draining_) return linger(connection);
  connection.phase = Connection::Phase::idle;
  wait_for_input(connection);
  if (connection.reader.mid_request()) {
    return asio::post(pool_, [this, &connection] { handle(connection, connection.reader.next()); });
  }
  handle(connection, NeedsInput{});
}

// Step 9: close. First the sending side, so that the client reads the answer; then all, when it has closed
// too.
void Server::linger(Connection& connection) {
  error_code error;
  connection.socket.shutdown(Socket::shutdown_send, error);
  if (error || cutting_) return close(connection);
  connection.phase = Connection::Phase::lingering;
  set_deadline(connection, kLingerTimeout);
  wait_for_input(connection);
  release(connection);
}

// Operations in flight end with an error; the last of them frees the connection.
void Server::close(Connection& connection) {
  deadlines_.cancel(connection);
  const bool writes = connection.rest != nullptr;
  error_code ignored;  // the descriptor is closed in any case
  connection.socket.close(ignored);
  subtract(counters_.connections);
  if (connection.ownership.retire(connection.waits_for_input, writes)) delete &connection;
  stop_if_drained();
}

}  // namespace comet::continuations
