// Model: fibers. Straight-line code that seems to block; a room fiber owns the channels; all talk by
// letters.
// Owner of a connection: the fiber that serves it; while it hibernates, the list of its thread.
// Runs on: the thread that accepted it, from its first byte to its last.
// Wakes a held request: a letter from the room in its mailbox.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <vector>

#include "core/stats.hpp"
#include "patterns/common/stop_signals.hpp"
#include "patterns/fibers/fiber_thread.hpp"
#include "patterns/fibers/room.hpp"

namespace comet::fibers {
using namespace common;

class Server {
 public:
  // Listens; exits with one line on standard error where it cannot.
  Server(const Options& options, const FiberOptions& fiber_options);
  // Serves until SIGTERM or SIGINT, then drains and returns.
  void run();

 private:
  using Phase = Connection::Phase;
  using Threads = std::vector<std::unique_ptr<FiberThread>>;

  // The life of a connection, in order.
  void accept_connections(FiberThread& thread);
  void accept_connection(FiberThread& thread, std::unique_ptr<Connection> connection);
  void serve(Connection& connection);
  void go_on(Connection& connection);
  void read_request(Connection& connection);
  void handle(Connection& connection, const Decision& decision);
  void subscribe(Connection& connection, const Decision& decision);
  void publish(Connection& connection, const Decision& decision);
  void hold(Connection& connection);
  void deliver(Connection& connection);
  void expire(Connection& connection);
  void leave(Connection& connection);
  void respond(Connection& connection, const Response& response);
  void finish_response(Connection& connection, const Response& response);
  void close(Connection& connection);
  void drain(FiberThread& thread);

  Threads prepare_threads(const FiberOptions& fiber_options);
  bool prepare_connection(FiberThread& thread, std::unique_ptr<Connection>& connection);
  void refuse_without_memory(Connection& connection);
  void refuse_early_input(Connection& connection);
  bool await_input(Connection& connection);
  void answer_subscription(Connection& connection, const Letter& letter);
  void linger(Connection& connection);
  bool work_in_pool(Connection& connection);

  Service service_;
  const bool hibernate_;
  const std::size_t connection_limit_;
  const std::uint64_t started_;
  const Response no_memory_;
  Counters counters_;
  std::atomic<bool> draining_{false};
  StopSignals signals_;
  const Threads threads_;  // the first is the one that calls run()
  Sleeper main_;           // run() itself
  Mailbox reports_;        // of the threads, to run()
  Room room_;
  // For the blocking work of publishes. Its threads are made in run() and attach: it could not end without one
  // that it failed to make.
  boost::asio::thread_pool work_pool_{0};
};

}  // namespace comet::fibers
