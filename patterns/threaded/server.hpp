// Model: one thread per connection, straight-line code that blocks.
// Owner of a connection: its thread, from serve_connection() to its end.
// Runs on: that thread; accepting and the drain on the main thread.
// Wakes a held request: the publisher's thread, by the waiter's condition variable.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "core/channels.hpp"
#include "core/request_reader.hpp"
#include "core/stats.hpp"
#include "patterns/common/stop_signals.hpp"
#include "patterns/threaded/client_watcher.hpp"
#include "patterns/threaded/connection_threads.hpp"
#include "patterns/threaded/refusals.hpp"
#include "patterns/threaded/waiter.hpp"
#include "patterns/threaded/work_stacks.hpp"

namespace comet::threaded {
using namespace common;

using Channel = Channels<Waiters>::Channel;

constexpr std::size_t kSmallestStack = 32UL * 1024;  // bytes

struct ThreadOptions {
  // A stack and its guard page are two memory mappings, of which Linux gives a process 65,530
  // (vm.max_map_count).
  std::size_t most = 30000;
  std::size_t stack_size = 64UL * 1024;  // bytes of address space
};

// On its thread's stack: a connection costs that stack, and in the heap its waiter and the watcher's entry.
struct Connection : Client {
  Connection(int connected, const Service& service) : Client(connected), reader(service) {}

  // answered: the reader may have a next request already; the last two end the connection.
  enum class Phase : std::uint8_t { idle, reading, answered, lingering, closed };

  RequestReader reader;
  Phase phase = Phase::idle;
  bool has_last_thread = false;  // when it began: keeps nobody waiting for long
  Clock::time_point deadline;    // while reading
};

class Server {
 public:
  // Listens; exits with one line on standard error where it cannot.
  Server(const Options& options, const ThreadOptions& threads);
  // Serves until SIGTERM or SIGINT, then drains and returns.
  void run();

 private:
  // The life of a connection, in order.
  void accept_connection();
  void serve_connection(int socket, bool has_last_thread);
  Decision read_request(Connection& connection);
  void handle(Connection& connection, const Decision& decision);
  void subscribe(Connection& connection, const Subscribe& request);
  void publish(Connection& connection, const Publish& request);
  void hold(Connection& connection, std::unique_lock<std::mutex> lock, Channel& channel, Milliseconds time,
            ReplyForm form);
  std::size_t wake(Waiters& woken, const Message& message);
  void deliver(Connection& connection, ReplyForm form);
  void expire(Connection& connection, Cursor last, ReplyForm form);
  void leave(Connection& connection);
  void drain_hold(Connection& connection, ReplyForm form);
  void respond(Connection& connection, const Response& response);
  void finish_response(Connection& connection, const Response& response);
  void close(int socket, std::unique_ptr<Connection> connection);
  void drain();

  void begin_request(Connection& connection, Decision& decision);
  void continue_request(Connection& connection, Decision& decision);
  Decision take_input(Connection& connection, const char* input, ssize_t size);
  void append(Connection& connection, const Publish& request);
  Response refuse_hold(ReplyForm form);
  Waiter::State wait(Connection& connection, Clock::time_point until, ReplyForm& form);
  [[gnu::noinline]] bool store_input(Connection& connection);  // its frame would be wait()'s, and kept
  void linger(Connection& connection);
  Waiter::State end_hold(Waiter& waiter, Channel& channel);
  void take_waiters(Channel& channel, Waiters& taken);

  Service service_;
  const std::size_t held_limit_;
  const std::uint64_t started_;
  Counters counters_;

  // Lock order: channels_mutex_ before a waiter's own; every other lock is taken alone.
  std::mutex
      channels_mutex_;  // guards channels_, every Waiter::listed and self, and the cap of counters_.held
  Channels<Waiters> channels_;
  std::atomic<bool> draining_{false};  // set under channels_mutex_: nothing is held after that

  StopSignals signals_;
  int listener_;
  Refusals refusals_;
  WorkStacks work_stacks_;
  ClientWatcher watcher_;
  ConnectionThreads threads_;
};

}  // namespace comet::threaded
