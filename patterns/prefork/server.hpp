// Model: prefork. Worker processes serve one connection at a time, by calls that block.
// Owner of a connection: the worker that accepted it, from accept_connection() to close().
// Runs on: a worker; the master runs run() and drain() and never sees a connection.
// Wakes a held request: one write to the event of its channel, by publish() in another worker.
#pragma once

#include "core/request_reader.hpp"
#include "core/stats.hpp"
#include "patterns/common/phase.hpp"
#include "patterns/common/stop_signals.hpp"
#include "patterns/prefork/channel_events.hpp"
#include "patterns/prefork/log/shared_log.hpp"
#include "patterns/prefork/scoreboard.hpp"
#include "patterns/prefork/worker_epoll.hpp"
#include "patterns/prefork/worker_pool.hpp"

namespace comet::prefork {

// The worker's only one.
struct Connection {
  explicit Connection(const Service& service) : reader(service) {}

  int socket = -1;
  Phase phase = Phase::idle;
  Clock::time_point since{};  // when it became idle, or its request began
  RequestReader reader;
  ReplyForm form;  // of the request that is answered
  // Of the held request, or the one held last:
  Channel channel;
  Clock::time_point until{};  // its time is over
  Cursor last;                // the newest message that it has looked past
};

class Server {
 public:
  // Listens; exits with one line on standard error if it cannot.
  Server(const Options& options, const PoolOptions& pool);
  // Serves until SIGTERM, SIGINT or SIGHUP, then drains and returns. The master's.
  void run();

 private:
  // A worker's life, then that of a connection, in order.
  void work(std::size_t slot);
  bool accept_connection(Connection& connection);
  void read_request(Connection& connection);
  void handle(Connection& connection, Decision decision);
  void subscribe(Connection& connection, const Subscribe& request);
  void publish(Connection& connection, const Publish& request);
  void hold(Connection& connection);
  void end_hold(Connection& connection);
  void deliver(Connection& connection, const Message& message);
  void expire(Connection& connection);
  void leave(Connection& connection);
  void drain_hold(Connection& connection);
  void respond(Connection& connection, const Response& response);
  void close(Connection& connection);
  void drain();

  std::optional<Message> look(Connection& connection) const;
  bool store_input(Connection& connection);
  bool send_all(const Connection& connection, std::string_view bytes);
  void linger(Connection& connection);
  bool is_draining() { return board_.shared().draining; }
  Stats stats();

  // hardening/last_free_worker.cpp
  Milliseconds patience(Milliseconds usual, Milliseconds last) const;
  const char* why_not_hold() const;
  void refuse_hold(Connection& connection, const char* why);
  bool is_worn() const;
  bool must_close(const Connection& connection) const;

  // hardening/out_of_resources.cpp
  void answer_without_memory(Connection& connection);
  static void pause_if_out_of_descriptors(int error);

  // footprint/rehearsal.cpp
  void rehearse() const;

  Service service_;
  const PoolOptions pool_options_;
  const std::uint64_t started_;
  const int master_;  // process id
  StopSignals signals_;
  const int listener_;
  Scoreboard board_;
  SharedLog log_;
  ChannelEvents events_;
  WorkerPool pool_;
  int drain_event_;  // an eventfd that can be read from the drain on

  // A worker's own.
  std::size_t slot_ = 0;
  WorkerEpoll epoll_;
  std::uint64_t requests_ = 0;
  char input_[16384];  // read into, then fed to the reader
};

}  // namespace comet::prefork
