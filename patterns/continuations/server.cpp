// Model: a pool of threads over one Asio loop; a held request is a Continuation and costs no thread.
// Owner of a connection: one thread of the pool at a time; channel logs and waiters belong to the strand.
// Runs on: every thread that is in run(), whichever is free.
// Wakes a held request: publish(), which claims each continuation; resume_styles.cpp has the ways to go on.
//
// A turn is the time in which one thread owns one connection. It begins when something happens to the
// connection: an event that turns.cpp hands to read_request() and the like. Within a turn the thread may read
// and write the connection without a lock, because nobody else touches it (ownership.hpp).
//
// The rule of turns: every path of a turn ends by exactly one of these four calls. After it the thread must
// not touch the connection: another may have it already.
//   release()         Nothing more to do now. Any thread may take the connection's next event.
//   close()           The connection has ended.
//   hand_to_strand()  The connection goes to the strand, and the turn goes on there, with the logs at hand. A
//                     strand runs one task at a time and queues the rest; no thread blocks.
//   hand_to(pool)     The connection goes to the end of the queue of the pool, or of the pool for blocking
//                     work, and the turn goes on there, in whichever thread takes it.
// Every other step, respond() for example, calls one of these last. All steps return TurnEnd, so `return
// respond(...)` reads as "here the turn ends", and the compiler warns of a path that breaks the rule.
#include "patterns/continuations/server.hpp"

#include <array>
#include <boost/asio/bind_executor.hpp>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "core/lookup.hpp"
#include "patterns/common/memory_reserve.hpp"
#include "patterns/common/startup.hpp"

namespace comet::continuations {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

thread_local std::array<char, 65536> input;  // read into, then fed to a reader, within one turn

asio::ip::tcp family_of(const Options& options) {
  error_code error;  // open_listener() says what is wrong with an address
  return asio::ip::make_address(options.address, error).is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4();
}

}  // namespace

Server::Server(const Options& options, unsigned threads, ResumeStyle style)
    : service_{options, [this] { return read_stats(counters_, "continuations", started_); }, &counters_},
      threads_(threads),
      style_(style),
      held_limit_(most_held(options)),
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
          [this](Deadline& deadline) { begin_turn(static_cast<Connection&>(deadline)); }),
      acceptor_(pool_, family_of(options), open_listener(options)),
      signal_watch_(pool_, signals_.descriptor()),
      accept_timer_(pool_),
      drain_timer_(pool_) {}

void Server::run() {
  signal_watch_.async_wait(asio::posix::stream_descriptor::wait_read,
                           asio::bind_executor(strand_, [this](const error_code&) { drain(); }));
  const int listener = acceptor_.native_handle();  // before the others run: a drain closes it
  wait_for_connection();
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

// Step 1: accept. In the strand, because a drain closes the acceptor. This thread owns the new connection.
void Server::wait_for_connection() {
  if (!memory_reserve_is_whole()) return accept_later();
  acceptor_.async_accept(pool_.get_executor(),
                         asio::bind_executor(strand_, [this](const error_code& error, Socket socket) {
                           if (draining_) return;
                           if (error && error != asio::error::connection_aborted) return accept_later();
                           if (!error) std::ignore = accept_connection(std::move(socket));
                           wait_for_connection();
                         }));
}

TurnEnd Server::accept_connection(Socket&& socket) {
  auto& connection = *new Connection(service_, std::move(socket));
  add(counters_.connections);
  error_code error;
  connection.socket.non_blocking(true, error);
  if (error || !set_no_delay(connection.socket.native_handle())) return close(connection);
  if (counters_.connections > connection_limit_) {
    return respond(connection, service_.unavailable("too many connections", {.keep_alive = false}));
  }
  wait_for_input(connection);
  set_deadline(connection, service_.idle_time());
  return release(connection);
}

// Step 2: read. Bytes become decisions. While a request is held they are put aside, and an end of input means
// that the client has left.
TurnEnd Server::read_request(Connection& connection) {
  if (connection.phase == Phase::writing) return release(connection);
  const bool held = connection.phase == Phase::held;
  error_code error;
  const std::size_t size = connection.socket.read_some(asio::buffer(input), error);
  if (error && error != asio::error::would_block) return held ? leave(connection) : close(connection);
  const std::string_view bytes(input.data(), size);
  const bool discarded = size == 0 || connection.phase == Phase::lingering;
  if (!discarded && !memory_reserve_is_whole()) return refuse_without_memory(connection, bytes);
  if (held) return put_aside(connection, bytes);
  wait_for_input(connection);
  if (discarded) return release(connection);
  return handle(connection, connection.reader.feed(bytes));
}

TurnEnd Server::put_aside(Connection& connection, std::string_view bytes) {
  if (!connection.reader.store(bytes)) return leave(connection);
  wait_for_input(connection);
  return release(connection);
}

// Step 3: decide. One decision; finish_response() comes back for the next if there is input left.
TurnEnd Server::handle(Connection& connection, Decision decision) {
  if (const auto* poll = std::get_if<Subscribe>(&decision)) return begin_subscribe(connection, *poll);
  if (auto* message = std::get_if<Publish>(&decision)) return publish(connection, std::move(*message));
  if (const auto* reply = std::get_if<Reply>(&decision)) return respond(connection, reply->response);
  // The header time runs from a request's first byte and is not renewed by later ones. The idle time runs
  // from step 1 or 8 and is not renewed by bytes that complete no request.
  if (connection.phase == Phase::idle && connection.reader.mid_request()) {
    connection.phase = Phase::reading;
    set_deadline(connection, service_.options.header_timeout);
  }
  if (draining_) return close(connection);
  return release(connection);
}

// Step 4: subscribe. Answer from the log, or hold. The handler has suspended its request: what is found here
// goes back to it in the same way as after a hold.
TurnEnd Server::subscribe(Connection& connection, const Subscribe& request) {
  return hand_to_strand([this, &connection, request] {
    Channel& channel = channels_.open(request.channel);
    const Lookup found = look_up(channel.log, request);
    connection.last = found.last;
    connection.form = found.form;
    switch (found.outcome) {
      case Outcome::message:
        connection.continuation.resume(std::make_shared<const Message>(*found.message));
        break;
      case Outcome::no_content:
        connection.continuation.expire();
        break;
      case Outcome::hold:
        if (may_hold()) {
          connection.channel = &channels_.waiting_place(channel, found.last);
          set_deadline(connection, request.hold);
          return hold(connection);
        }
        connection.continuation.cancel();
        break;
    }
    channels_.close_if_unused(channel);
    count_channels();
    return hand_to(pool_, [this, &connection] { return go_on(connection); });
  });
}

// Step 5: publish. In publish.cpp.

// Step 6: hold. In the strand. The wait for input goes on, so that the pool sees when the client leaves.
TurnEnd Server::hold(Connection& connection) {
  connection.phase = Phase::held;
  connection.channel->waiters.push_back(connection);
  add(counters_.held);
  count_channels();
  return release(connection);
}

// Step 7: end of a hold. A message, the time, the client's leaving and the drain may come at once, each in a
// thread of its own. Each claims the continuation; one wins, the others release the connection to it. The
// winner takes the request out of its channel's list: a publisher in claim_waiters(), the others here. Then
// its handler goes on.
TurnEnd Server::end_hold(Connection& connection) {
  return hand_to_strand([this, &connection] {
    Channel& channel = *std::exchange(connection.channel, nullptr);
    channel.waiters.erase(Waiters::s_iterator_to(connection));
    subtract(counters_.held);
    channels_.close_if_unused(channel);
    count_channels();
    return hand_to(pool_, [this, &connection] { return go_on(connection); });
  });
}

TurnEnd Server::expire(Connection& connection) {
  if (!connection.continuation.expire()) return release(connection);
  add(counters_.timeouts);
  return end_hold(connection);
}

// If a publisher was first, its message is on the way, and respond_to_subscriber() will find that nobody is
// there to take it.
TurnEnd Server::leave(Connection& connection) {
  add(counters_.disconnects);
  connection.client_left = true;
  if (!connection.continuation.abandon()) return release(connection);
  return end_hold(connection);
}

TurnEnd Server::drain_hold(Connection& connection) {
  if (!connection.continuation.cancel()) return release(connection);
  return end_hold(connection);
}

// The handler's last line, in every style: the answer, by what the winner has left.
TurnEnd Server::respond_to_subscriber(Connection& connection) {
  using State = Continuation::State;
  if (connection.client_left) return close(connection);
  const State state = connection.continuation.state();
  if (state == State::resumed) return deliver(connection, connection.continuation.message());
  if (state == State::expired)
    return respond(connection, no_content_response(connection.last, connection.form));
  return refuse_subscriber(connection);
}

TurnEnd Server::deliver(Connection& connection, const Message& message) {
  return respond(connection, service_.message(message, connection.form));
}

// Step 8: respond. Most answers fit the socket's buffer and leave at once.
TurnEnd Server::respond(Connection& connection, const Response& response) {
  error_code error;
  const std::size_t sent = connection.socket.write_some(asio::buffer(*response.bytes), error);
  if (error && error != asio::error::would_block) return close(connection);
  if (sent < response.bytes->size()) return write_later(connection, response, sent);
  return finish_response(connection, response);
}

TurnEnd Server::finish_response(Connection& connection, const Response& response) {
  wait_for_input(connection);
  if (is_interim(response)) return handle(connection, NeedsInput{});
  if (response.is_delivery) add(counters_.delivered);
  connection.continuation.complete();
  if (response.close || draining_) return linger(connection);
  connection.phase = Phase::idle;
  set_deadline(connection, service_.idle_time());
  if (!connection.reader.mid_request()) return handle(connection, NeedsInput{});
  // The next request has come early. It is not handled here: each of many would deepen this thread's stack.
  return hand_to(pool_, [this, &connection] { return handle(connection, connection.reader.next()); });
}

// Step 9: close. The shutdown ends operations in flight, and the last of them frees the connection, socket
// included. Not before: Asio's io_uring back end (Boost 1.81) gives what it keeps for a closed socket to the
// next one at once, and what the old operation leaves there hides the new one's.
TurnEnd Server::close(Connection& connection) {
  deadlines_.cancel(connection);
  const bool writes = connection.late_answer != nullptr;
  error_code ignored;  // the client may be gone already
  connection.socket.shutdown(Socket::shutdown_both, ignored);
  if (connection.ownership.retire(connection.waits_for_input, writes)) free(connection);
  return {};
}

// Its descriptor is closed here, so the connection counts until here.
void Server::free(Connection& connection) {
  delete &connection;
  subtract(counters_.connections);
  stop_if_drained();
}

}  // namespace comet::continuations
