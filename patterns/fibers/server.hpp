// Model: fibers. A fiber is a stack that is switched in user space, so code that waits reads like code that
// blocks. Each connection has one; a room fiber owns the channels; they talk by letters into mailboxes.
// Owner of a connection: the fiber that serves it; while it hibernates, its thread's list of connections.
// Runs on: the thread that accepted it, from its first byte to its last.
// Wakes a held request: a letter from the room in its mailbox.
#pragma once

#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "core/service.hpp"
#include "patterns/common/stop_signals.hpp"
#include "patterns/fibers/fiber_thread.hpp"
#include "patterns/fibers/room.hpp"

namespace comet::fibers {
using namespace common;

class Server {
 public:
  // Listens; exits with one line on standard error if it cannot.
  Server(const Options& options, const FiberOptions& fiber_options);
  // Serves until a stop signal, then drains and returns.
  void run();

 private:
  using Kind = Letter::Kind;

  // The life of a connection, in order.
  void accept_connections(FiberThread& thread);
  void accept_connection(FiberThread& thread, int socket);
  void serve(Connection& connection);
  void read_request(Connection& connection);
  void handle(Connection& connection, const Decision& decision);
  void subscribe(Connection& connection, const Subscribe& request);
  void publish(Connection& connection, const Publish& request);
  void hold(Connection& connection);
  void end_hold(Connection& connection);
  void finish(Connection& connection, const Letter& letter);
  void deliver(Connection& connection, const Message& message);
  void expire(Connection& connection);
  void leave(Connection& connection);
  void drain_hold(Connection& connection);
  void respond(Connection& connection, const Response& response);
  void linger(Connection& connection);
  void close(Connection& connection);
  void drain();
  void drain_thread(FiberThread& thread);

  std::vector<std::thread> start_threads();
  void end_wait(Connection& connection);
  void refuse_hold(Connection& connection, ReplyForm form);
  void refuse_input(Connection& connection);
  bool work(Connection& connection);
  bool work_in_pool(Connection& connection);

  Service service_;
  const std::size_t connection_limit_;
  const std::uint64_t started_;
  Counters counters_;
  std::atomic<bool> draining_{false};
  StopSignals signals_;
  const FiberThreads threads_;  // the first is the one that calls run()
  Sleeper main_;                // the fiber that calls run()
  Mailbox reports_;             // from the threads to run()
  Room room_;
  // For the blocking work of publishes. Its threads are made in start_threads() and attach themselves: a pool
  // that failed to make one could not end.
  boost::asio::thread_pool work_pool_{0};
};

}  // namespace comet::fibers
