// Model: asynchronous event loop. All callbacks run one after another, so nothing is locked.
// Owner of a connection: the loop, from accept_connection() to the callback of uv_close().
// Runs on: the one thread that calls run().
// Wakes a held request: publish(), which walks the channel's list and writes to each socket in turn.
#pragma once

#include <uv.h>

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "core/channels.hpp"
#include "core/request_reader.hpp"
#include "core/stats.hpp"
#include "patterns/async/hardening/listener.hpp"
#include "patterns/async/loop_timer.hpp"
#include "patterns/common/phase.hpp"
#include "patterns/common/stop_signals.hpp"

namespace comet::async {
using namespace common;

struct Connection;
struct Waiting;  // tag of the hook by which a held connection is in its channel's list

using WaiterHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Waiting>>;
using Waiters = boost::intrusive::list<Connection, boost::intrusive::base_hook<WaiterHook>,
                                       boost::intrusive::constant_time_size<false>>;
using Channel = Channels<Waiters>::Channel;

// Everything that a connection costs in user memory, held or not. The hook is also that of Server::early_.
struct Connection : Deadline, WaiterHook {
  explicit Connection(const Service& service) : reader(service) {}

  uv_tcp_t socket;
  RequestReader reader;
  // Never both at once. Apart they would take 16 bytes more of every held request, as malloc() rounds up.
  union {
    Channel* channel = nullptr;  // while held
    std::size_t unsent;          // while writing: bytes left when its time was last set
  };
  ReplyForm form;  // of the held request
  Phase phase = Phase::idle;
};

class Server;
inline Server& server_of(const uv_handle_t* handle) { return *static_cast<Server*>(handle->loop->data); }
inline Connection& connection_of(void* handle) {
  return *static_cast<Connection*>(static_cast<uv_handle_t*>(handle)->data);
}
inline uv_handle_t* handle_of(Connection& connection) {
  return reinterpret_cast<uv_handle_t*>(&connection.socket);
}
inline uv_stream_t* stream_of(Connection& connection) {
  return reinterpret_cast<uv_stream_t*>(&connection.socket);
}

class Server {
 public:
  // Listens; exits with one line on standard error if it cannot.
  explicit Server(const Options& options);
  // Serves until SIGTERM, SIGINT or SIGHUP, then drains and returns.
  void run();

 private:
  // The life of a connection, in order.
  void accept_connection(int socket);
  void read_request(Connection& connection, std::string_view bytes);
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

  bool start_reading(Connection& connection);
  std::size_t wake(Channel& channel, const Message& message);
  void note_early_request(Connection& connection);
  void continue_early_requests();
  void write_later(Connection& connection, const Response& response, std::size_t sent);
  void finish_response(Connection& connection, const Response& response);
  void linger(Connection& connection);
  void end_time(Connection& connection);
  void drain_connection(Connection& connection);
  void close_last_handles();

  // publish.cpp
  struct Work;
  void start_work_pool();
  void work_in_pool(Connection& connection, const Publish& request);
  void finish_work(Work& work);
  void append(Connection& connection, const Publish& request);

  // hardening/memory.cpp
  void refuse_without_memory(Connection& connection, std::string_view bytes);

  Service service_;
  const std::size_t held_limit_;
  const std::size_t connection_limit_;
  const std::uint64_t started_;
  Counters counters_;
  Channels<Waiters> channels_;
  Listener listener_;
  LoopTimer timer_;
  Waiters early_;                      // answered connections whose next request came while they were held
  std::atomic<bool> draining_{false};  // the pool reads it
  StopSignals signals_;

  uv_loop_t loop_;
  uv_poll_t signal_watch_;
  uv_timer_t drain_timer_;
  uv_work_t first_work_;
  char input_[65536];  // read into, then fed to a reader, before the next callback
};

}  // namespace comet::async
