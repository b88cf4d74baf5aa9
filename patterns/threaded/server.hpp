// Model: one thread per connection, straight-line code that blocks.
// Owner of a connection: its thread, from serve_connection() to its end.
// Runs on: that thread; accepting and the drain on the main thread.
// Wakes a held request: the publisher's thread, by the waiter's condition variable.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "core/channels.hpp"
#include "core/request_reader.hpp"
#include "core/stats.hpp"
#include "patterns/common/phase.hpp"
#include "patterns/common/stop_signals.hpp"
#include "patterns/threaded/client_watcher.hpp"
#include "patterns/threaded/footprint/work_stacks.hpp"
#include "patterns/threaded/hardening/acceptor.hpp"
#include "patterns/threaded/hardening/connection_threads.hpp"
#include "patterns/threaded/waiter.hpp"

namespace comet::threaded {
using namespace common;

using Channel = Channels<Waiters>::Channel;

constexpr std::size_t kSmallestStack = 32UL * 1024;  // bytes

struct ThreadOptions {
  // A stack and its guard page are two memory mappings, of which Linux gives a process
  // 65,530 (vm.max_map_count).
  std::size_t most = 30000;
  std::size_t stack_size = 64UL * 1024;  // bytes of address space
};

struct Connection : Client {
  Connection(ClientWatcher& watcher, int connected, const Service& service)
      : Client(watcher, connected), reader(service) {}

  RequestReader reader;
  // When the idle time, the header time (Phase::reading) or the time of the held request is over.
  Clock::time_point deadline;
  // Fewer than elsewhere: idle, reading, lingering, closed. Where the thread blocks says the rest.
  Phase phase = Phase::idle;
  bool is_silent = true;         // nothing has come since the last answer
  bool has_last_thread = false;  // hardening/last_thread.cpp says what follows from it
  // Of the held request.
  ReplyForm form;
  Channel* channel = nullptr;
  Cursor last;  // the cursor of its 204
};

class Server {
 public:
  // Listens; exits with one line on standard error if it cannot.
  Server(const Options& options, const ThreadOptions& threads);
  // Serves until a stop signal, then drains and returns.
  void run();

 private:
  // The life of a connection, in order.
  void accept_connection(int socket);
  void read_request(Connection& connection);
  void handle(Connection& connection, const Decision& decision);
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

  void serve_connection(int socket, bool has_last_thread);
  void become_idle(Connection& connection);
  Decision next_decision(Connection& connection);
  std::optional<Response> answer_or_join(Connection& connection, const Subscribe& request);

  // publish.cpp
  void append(Connection& connection, const Publish& request);
  std::size_t wake(Waiters& woken, const Message& message);

  // footprint/parsing.cpp
  Decision next_in_buffer(Connection& connection);
  Decision receive_first(Connection& connection);
  Decision receive(Connection& connection);
  Decision feed(Connection& connection, std::string_view bytes);
  Response no_content(const Connection& connection);

  // hardening/early_input.cpp
  Waiter::State wait_for_end(Connection& connection);
  bool store_input(Connection& connection);

  // hardening/last_thread.cpp
  bool may_hold(Connection& connection);
  Response refuse_hold(ReplyForm form) const;
  Milliseconds time_for(const Connection& connection, Milliseconds usual) const;
  Milliseconds linger_time(const Connection& connection) const;
  bool is_last_answer(const Connection& connection, const Response& response) const;

  Service service_;
  const std::size_t held_limit_;
  const std::uint64_t started_;
  Counters counters_;

  // Lock order: channels_mutex_ before a waiter's own; every other lock is taken alone.
  // The mutex guards channels_, which waiter is in whose list, and the cap of counters_.held.
  std::mutex channels_mutex_;
  Channels<Waiters> channels_;
  std::atomic<bool> draining_{false};  // set under channels_mutex_: nothing is held after that

  StopSignals signals_;
  Acceptor acceptor_;
  WorkStacks work_stacks_;
  ClientWatcher watcher_;
  ConnectionThreads threads_;
};

}  // namespace comet::threaded
