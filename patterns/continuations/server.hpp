// Model: a pool of threads over one Asio loop; a held request is a Continuation and costs no thread.
// Owner of a connection: one thread of the pool at a time; channel logs and waiters belong to the strand.
// Runs on: every thread that is in run(), whichever is free.
// Wakes a held request: publish(), which resumes each continuation; resume_styles.cpp shows the three ways.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/channels.hpp"
#include "core/request_reader.hpp"
#include "core/stats.hpp"
#include "patterns/common/stop_signals.hpp"
#include "patterns/continuations/captured_handler.hpp"
#include "patterns/continuations/continuation.hpp"
#include "patterns/continuations/deadline_timer.hpp"
#include "patterns/continuations/operation_memory.hpp"
#include "patterns/continuations/ownership.hpp"

namespace comet::continuations {

enum class ResumeStyle : std::uint8_t { redispatch, direct, stackful };

struct Connection;
struct Waiting;  // tag of the hook by which a held connection is in its channel's list

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using WaiterHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Waiting>>;
using Waiters = boost::intrusive::list<Connection, boost::intrusive::base_hook<WaiterHook>,
                                       boost::intrusive::constant_time_size<false>>;
using Channel = Channels<Waiters>::Channel;

// Everything that a connection costs in user memory beside what Asio keeps for its descriptor, held or not.
struct Connection : Deadline, WaiterHook {
  Connection(const Service& service, Socket&& accepted) : socket(std::move(accepted)), reader(service) {}

  enum class Phase : std::uint8_t { idle, reading, held, writing, lingering };

  // An answer that the socket did not take at once.
  struct Rest {
    Response response;
    std::size_t sent;
    Phase phase;  // before: that to go on with after an interim answer
  };

  Socket socket;
  RequestReader reader;
  Continuation continuation;
  Channel* channel = nullptr;  // while held; belongs to the strand
  CapturedHandler handler;     // stackful: while held
  std::unique_ptr<Rest> rest;  // while writing
  Ownership ownership;
  Phase phase = Phase::idle;
  bool waits_for_input = false;
  bool client_left = false;  // during a hold
  OperationMemory input_wait;
};

// The continuations that one publish has resumed, in portions: between two of them other requests have their
// turn.
struct Woken {
  std::vector<Waiters> portions;
  std::atomic<std::size_t> next{0};  // the portion that is handled next
  std::size_t receivers = 0;
};

class Server {
 public:
  // Listens; exits with one line on standard error where it cannot. `threads` is at least 1.
  Server(const Options& options, unsigned threads, ResumeStyle style);
  // Serves until SIGTERM or SIGINT, then drains and returns.
  void run();

 private:
  // What Asio calls when a wait for input ends. Its operation lies in the connection, not in the heap.
  struct InputHandler {
    using allocator_type = OperationAllocator<std::byte>;
    allocator_type get_allocator() const { return allocator_type(connection->input_wait); }
    void operator()(const boost::system::error_code&) const {
      server->on_event(*connection, Event::readable);
    }

    Server* server;
    Connection* connection;
  };

  // The life of a connection, in order.
  void accept_connection();
  void accept_later();
  void begin(Socket&& socket);
  void read_request(Connection& connection);
  void handle(Connection& connection, Decision decision);
  void subscribe(Connection& connection, Subscribe&& request);
  void publish(Connection& connection, Publish&& request);
  void hold(Connection& connection, Channel& channel, Milliseconds time);
  std::shared_ptr<Woken> wake(Channel& channel, const std::shared_ptr<const Message>& message);
  void expire(Connection& connection);
  void leave(Connection& connection);
  void respond(Connection& connection, const Response& response);
  void finish_response(Connection& connection, const Response& response);
  void close(Connection& connection);
  void drain();

  // resume_styles.cpp: how a subscribe begins, and how it goes on once its continuation has been won.
  void begin_subscribe(Connection& connection, Subscribe&& request);
  void resume(const std::shared_ptr<Woken>& woken, Connection& publisher, const Response& answer);
  void go_on(Connection& connection);
  void handle_request(Connection& connection, Subscribe&& request);
  void begin_captured(Connection& connection, Subscribe&& request);
  void resume_in_pool(const std::shared_ptr<Woken>& woken);
  void resume_in_loop(const std::shared_ptr<Woken>& woken, Connection& publisher, const Response& answer);
  bool resume_portion(Woken& woken);
  void respond_to_subscriber(Connection& connection);

  // Ownership: an event is handled by the owner; release() ends the owner's turn.
  void on_event(Connection& connection, Event event);
  void handle_event(Connection& connection);
  void release(Connection& connection);

  void wait_for_input(Connection& connection);
  void end_hold(Connection& connection);
  void count_channels() { counters_.channels.store(channels_.size(), std::memory_order_relaxed); }
  void write_later(Connection& connection, const Response& response, std::size_t sent);
  void write_rest(Connection& connection);
  void linger(Connection& connection);
  void set_deadline(Connection& connection, Milliseconds after) { deadlines_.set(connection, after); }
  void end_time(Connection& connection);
  void drain_connection(Connection& connection);
  void stop_if_drained();
  void work_in_pool(Connection& connection, Publish&& request);
  void append(Connection& connection, Publish&& request);

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
  std::atomic<bool> cutting_{false};  // kDrainTimeout is over: what is left is closed

  boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor> acceptor_;
  StopSignals signals_;
  boost::asio::posix::stream_descriptor signal_watch_;
  boost::asio::steady_timer accept_timer_;
  boost::asio::steady_timer drain_timer_;
  // For the blocking work of publishes. Its threads are made in run() and attach: it could not end without one
  // that it failed to make.
  boost::asio::thread_pool work_pool_{0};
};

}  // namespace comet::continuations
