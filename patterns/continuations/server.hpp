// Model: a pool of threads over one Asio loop; a held request is a Continuation and costs no thread.
// Owner of a connection: one thread of the pool at a time; channel logs and waiters belong to the strand.
// Runs on: every thread that is in run(), whichever is free.
// Wakes a held request: publish(), which claims each continuation; resume_styles.cpp has the ways to go on.
#pragma once

#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>

#include "core/channels.hpp"
#include "core/request_reader.hpp"
#include "core/stats.hpp"
#include "patterns/common/phase.hpp"
#include "patterns/common/stop_signals.hpp"
#include "patterns/continuations/captured_handler.hpp"
#include "patterns/continuations/continuation.hpp"
#include "patterns/continuations/coroutine_handler.hpp"
#include "patterns/continuations/deadline_timer.hpp"
#include "patterns/continuations/footprint/operation_memory.hpp"
#include "patterns/continuations/ownership.hpp"

namespace comet::continuations {

enum class ResumeStyle : std::uint8_t { redispatch, direct, stackful, coroutine };

struct Connection;
struct Waiting;  // tag of the hook by which a held connection is in its channel's list

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using WaiterHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Waiting>>;
using Waiters = boost::intrusive::list<Connection, boost::intrusive::base_hook<WaiterHook>,
                                       boost::intrusive::constant_time_size<false>>;
using Channel = Channels<Waiters>::Channel;

// An answer that the socket did not take at once.
struct LateAnswer {
  Response response;
  std::size_t sent;  // bytes
  Phase phase;       // of the connection before, to go on with after an interim answer
};

// Everything that a connection costs in user memory beside what Asio keeps for its descriptor, held or not.
struct Connection : Deadline, WaiterHook {
  Connection(const Service& service, Socket&& accepted) : socket(std::move(accepted)), reader(service) {}

  Socket socket;
  RequestReader reader;
  Ownership ownership;
  Phase phase = Phase::idle;
  bool waits_for_input = false;
  std::unique_ptr<LateAnswer> late_answer;  // while writing
  OperationMemory input_wait;

  // The subscribe request.
  Continuation continuation;
  CapturedHandler captured;           // stackful: while held
  std::coroutine_handle<> coroutine;  // coroutine: while held
  Channel* channel = nullptr;         // while held; belongs to the strand
  Cursor last;                 // of the channel's log when the request was looked up: the cursor of a 204
  ReplyForm form;              // of the answer
  bool client_left = false;    // during the hold
  bool out_of_memory = false;  // during the hold, for bytes that came early
};

// The continuations that one publish has claimed. Threads take them out in batches.
struct Claimed {
  Waiters connections;
  std::mutex mutex;  // guards the list
  std::size_t receivers = 0;
};

// What every step of a turn returns; server.cpp says what a turn is. Made by release(), close() and the
// hand-overs only, and handed through by all others: the compiler warns of a path that ends no turn, or two.
struct [[nodiscard]] TurnEnd {};

class Server {
 public:
  // Listens; exits with one line on standard error if it cannot. `threads` is at least 1.
  Server(const Options& options, unsigned threads, ResumeStyle style);
  // Serves until a stop signal, then drains and returns.
  void run();

 private:
  // The life of a connection, in order. Every step of a turn returns TurnEnd.
  void wait_for_connection();
  TurnEnd accept_connection(Socket&& socket);
  TurnEnd read_request(Connection& connection);
  TurnEnd put_aside(Connection& connection, std::string_view bytes);
  TurnEnd handle(Connection& connection, Decision decision);
  TurnEnd subscribe(Connection& connection, const Subscribe& request);
  TurnEnd publish(Connection& connection, Publish&& request);  // a copy of its body might find no memory
  TurnEnd hold(Connection& connection);
  TurnEnd end_hold(Connection& connection);
  TurnEnd deliver(Connection& connection, const Message& message);
  TurnEnd expire(Connection& connection);
  TurnEnd leave(Connection& connection);
  TurnEnd drain_hold(Connection& connection);
  TurnEnd respond(Connection& connection, const Response& response);
  TurnEnd finish_response(Connection& connection, const Response& response);
  TurnEnd close(Connection& connection);
  void free(Connection& connection);
  void drain();

  // turns.cpp: a turn begins with an event. The strand and the pools go on with `step`, which ends the turn.
  void on_event(Connection& connection, Event event);
  void begin_turn(Connection& connection);
  TurnEnd handle_event(Connection& connection);
  TurnEnd end_time(Connection& connection);
  TurnEnd release(Connection& connection);
  template <class Step>
  TurnEnd hand_to_strand(Step step) {  // at once, in this thread, where no other is in the strand
    boost::asio::dispatch(strand_, [step = std::move(step)]() mutable { std::ignore = step(); });
    return {};
  }
  template <class Pool, class Step>
  TurnEnd hand_to(Pool& pool, Step step) {
    boost::asio::post(pool, [step = std::move(step)]() mutable { std::ignore = step(); });
    return {};
  }
  void wait_for_input(Connection& connection);
  void set_deadline(Connection& connection, Milliseconds after) { deadlines_.set(connection, after); }

  // resume_styles.cpp: how a subscribe begins, and how it goes on once its continuation has been claimed.
  TurnEnd begin_subscribe(Connection& connection, const Subscribe& request);
  TurnEnd go_on(Connection& connection);
  TurnEnd resume_claimed(const std::shared_ptr<Claimed>& claimed, Connection& publisher,
                         const Response& answer);
  TurnEnd handle_request(Connection& connection, const Subscribe& request);
  void resume_in_pool(const std::shared_ptr<Claimed>& claimed);
  TurnEnd resume_in_chain(const std::shared_ptr<Claimed>& claimed, Connection& publisher,
                          const Response& answer);
  TurnEnd begin_captured(Connection& connection, const Subscribe& request);
  TurnEnd begin_coroutine(Connection& connection, const Subscribe& request);
  CoroutineHandler handle_as_coroutine(Connection& connection);
  bool resume_batch(Claimed& claimed);
  TurnEnd respond_to_subscriber(Connection& connection);

  // publish.cpp
  TurnEnd work_in_pool(Connection& connection, Publish&& request);
  TurnEnd append(Connection& connection, Publish&& request);
  std::shared_ptr<Claimed> claim_waiters(Channel& channel, const std::shared_ptr<const Message>& message);
  void count_channels() { counters_.channels.store(channels_.size(), std::memory_order_relaxed); }

  // drain.cpp
  TurnEnd drain_connection(Connection& connection);
  void stop_if_drained();

  // hardening/limits.cpp: what runs out.
  std::size_t most_held(const Options& options) const;
  bool may_hold() const;
  void accept_later();
  TurnEnd refuse_without_memory(Connection& connection, std::string_view bytes);
  TurnEnd refuse_subscriber(Connection& connection);

  // hardening/slow_clients.cpp: clients that take their time to read an answer, or never do.
  TurnEnd write_later(Connection& connection, const Response& response, std::size_t sent);
  TurnEnd write_rest(Connection& connection);
  TurnEnd linger(Connection& connection);
  void cut_later();

  const Service service_;
  const unsigned threads_;
  const ResumeStyle style_;
  StackPool stacks_;
  const std::size_t held_limit_;
  const std::size_t connection_limit_;
  const std::uint64_t started_;
  Counters counters_;

  boost::asio::io_context pool_;
  boost::asio::strand<Executor> strand_;  // guards channels_, the waiters, the acceptor and the drain
  Channels<Waiters> channels_;
  DeadlineTimer deadlines_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> cutting_{false};  // the time of the drain is over: what is left is closed

  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> acceptor_;
  StopSignals signals_;
  boost::asio::posix::stream_descriptor signal_watch_;
  boost::asio::steady_timer accept_timer_;
  boost::asio::steady_timer drain_timer_;
  // For the blocking work of publishes. Its threads are made in run() and attach: it could not end without
  // one that it failed to make.
  boost::asio::thread_pool work_pool_{0};
};

}  // namespace comet::continuations
