// Model: asynchronous event loop. A publish: its blocking work, the log, and the walk over those who wait.
// Owner of a connection: the loop; while its publish is at work nobody reads or closes it.
// Runs on: the loop's thread; blocking work that is handed over on a thread of libuv's pool.
// Wakes a held request: wake(), which walks the channel's list and writes to each socket in turn.
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "patterns/async/hardening/libuv_call.hpp"
#include "patterns/async/server.hpp"

namespace comet::async {

// A publish at work. The thread of the pool reads `server` and writes `done`, the loop has the rest.
struct Server::Work {
  uv_work_t request;
  Server& server;
  Connection& connection;
  Publish publish;
  bool done = false;
};

// libuv makes all threads of its pool at the first work, and abort()s if it cannot. So this comes
// before READY.
void Server::start_work_pool() {
  if (service_.options.publish_work_threads == 0) return;
  if (setenv("UV_THREADPOOL_SIZE", std::to_string(service_.options.publish_work_threads).c_str(), 1) != 0) {
    fail("setenv", errno);
  }
  require(uv_queue_work(
              &loop_, &first_work_, [](uv_work_t*) {}, nullptr),
          "uv_queue_work");
}

// Step 5: publish. Do its blocking work, if it has any, here or in the pool; then append, wake, answer.
void Server::publish(Connection& connection, const Publish& request) {
  const Milliseconds work = service_.options.publish_work;
  if (work > Milliseconds{0} && service_.options.publish_work_threads > 0) {
    return work_in_pool(connection, request);
  }
  if (work > Milliseconds{0}) {
    // The loop has not seen the signal yet, and would let every publish that is there by now work first.
    if (signals_.come()) return respond(connection, service_.shutting_down(request.form));
    std::this_thread::sleep_for(work);
  }
  append(connection, request);
}

// The loop goes on with others. Work that has not begun when the server drains is refused.
void Server::work_in_pool(Connection& connection, const Publish& request) {
  connection.phase = Phase::working;
  uv_read_stop(stream_of(connection));
  timer_.cancel(connection);
  auto work = std::make_unique<Work>(Work{{}, *this, connection, request});
  work->request.data = work.get();
  const auto on_thread = [](uv_work_t* handed) {
    auto& self = *static_cast<Work*>(handed->data);
    if (self.server.draining_) return;
    std::this_thread::sleep_for(self.server.service_.options.publish_work);
    self.done = true;
  };
  const auto on_done = [](uv_work_t* handed, int) {
    const std::unique_ptr<Work> owned(static_cast<Work*>(handed->data));
    owned->server.finish_work(*owned);
  };
  // It fails only without a callback for the thread.
  uv_queue_work(&loop_, &work->request, on_thread, on_done);
  static_cast<void>(work.release());  // on_done owns it
}

void Server::finish_work(Work& work) {
  Connection& connection = work.connection;
  connection.phase = Phase::idle;
  if (!start_reading(connection)) return;
  if (work.done) {
    append(connection, work.publish);
  } else {
    respond(connection, service_.shutting_down(work.publish.form));
  }
  if (connection.phase == Phase::idle) handle(connection, connection.reader.next());
  continue_early_requests();
}

void Server::append(Connection& connection, const Publish& request) {
  Channel& channel = channels_.open(request.channel);
  const auto [message, refusal] = channels_.publish(channel, request.body, request.cursor);
  if (!message) return respond(connection, service_.refuse(refusal, request.form));
  add(counters_.published);
  channels_.close_passed(channel, [&channel](Waiters& passed) {
    for (Connection& waiting : passed) waiting.channel = &channel;
    channel.waiters.splice(channel.waiters.end(), passed);
  });
  const std::size_t receivers = wake(channel, *message);
  respond(connection, published_response(message->cursor, receivers, request.form));
}

// The list is emptied first: whoever comes back while it is walked waits for the next message.
std::size_t Server::wake(Channel& channel, const Message& message) {
  Waiters woken;
  woken.swap(channel.waiters);
  std::size_t receivers = 0;
  for (; !woken.empty(); ++receivers) {
    Connection& connection = woken.front();
    woken.pop_front();
    deliver(connection, message);
  }
  return receivers;
}

}  // namespace comet::async
