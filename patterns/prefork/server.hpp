// Model: prefork. Worker processes serve one connection at a time, by calls that block.
// Owner of a connection: the worker that accepted it, from accept_connection() to close().
// Runs on: a worker; the master runs run() and drain() and never sees a connection.
// Wakes a held request: one write to the bell of its channel, by publish() in another worker.
#pragma once

#include "core/request_reader.hpp"
#include "core/stats.hpp"
#include "patterns/prefork/bells.hpp"
#include "patterns/prefork/scoreboard.hpp"
#include "patterns/prefork/shared_log.hpp"
#include "patterns/prefork/worker_pool.hpp"

namespace comet::prefork {

// The worker's only one.
struct Connection {
  explicit Connection(const Service& service) : reader(service) {}

  int socket = -1;
  RequestReader reader;
  ReplyForm form;                // of the request that is answered
  Clock::time_point deadline{};  // for the next bytes
  bool reading = false;          // a request has begun: the deadline is for its end and is not renewed
  bool watched = false;          // by the worker's epoll
  bool input = true;             // bytes may wait in the socket
  bool ended = false;            // the client has ended its side
};

class Server {
 public:
  // Listens; exits with one line on standard error where it cannot.
  Server(const Options& options, const PoolOptions& pool);
  // Serves until SIGTERM or SIGINT, then drains and returns. The master's.
  void run();

 private:
  void rehearse();

  // A worker's life, then that of a connection, in order.
  void work(std::size_t slot);
  bool accept_connection(Connection& connection);
  void read_request(Connection& connection);
  void handle(Connection& connection, Decision decision);
  void subscribe(Connection& connection, const Subscribe& request);
  void publish(Connection& connection, const Publish& request);
  void hold(Connection& connection, SharedLog::Channel& channel, Milliseconds time, ReplyForm form,
            Cursor last);
  void deliver(Connection& connection, const Message& message, ReplyForm form);
  void expire(Connection& connection, Cursor last, ReplyForm form);
  void leave(Connection& connection);
  void drain_hold(Connection& connection, ReplyForm form);
  void respond(Connection& connection, Response response);
  void finish_response(Connection& connection, const Response& response);
  void close(Connection& connection);
  void drain();

  void append(Connection& connection, const Publish& request);
  void end_hold();
  const char* why_not_to_hold(ReplyForm& form) const;
  bool keeps_open(const Connection& connection) const;
  bool wait(Connection& connection, Clock::time_point until);
  bool wait_for_room(const Connection& connection, Clock::time_point until);
  bool wait_for(const Connection& connection, short events, Clock::time_point until) const;
  ssize_t receive(Connection& connection);
  void store_input(Connection& connection);
  void linger(Connection& connection);
  void hear(int bell);
  Stats stats();

  Service service_;
  const PoolOptions pool_options_;
  const std::uint64_t started_;
  const int master_;  // process id
  const int listener_;
  Scoreboard board_;
  SharedLog log_;
  Bells bells_;
  WorkerPool pool_;
  int drain_event_;  // an eventfd that can be read from the drain on

  // A worker's own.
  std::size_t slot_ = 0;
  int idle_epoll_ = -1;  // listener (while idle), retirement, drain
  int epoll_ = -1;       // connection, its channel's bell (from its first hold on), drain
  int bell_ = -1;        // the bell in epoll_
  std::uint64_t requests_ = 0;
  char input_[16384];  // read into, then fed to the reader
};

}  // namespace comet::prefork
