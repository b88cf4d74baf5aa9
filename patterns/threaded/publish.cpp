// Model: one thread per connection. A publish: its blocking work, the log, and the waking of those who wait.
// Owner of a connection: its thread.
// Runs on: that thread. It may block, so blocking work needs no pool.
// Wakes a held request: wake(), by the waiter's condition variable.
#include <chrono>
#include <thread>

#include "patterns/threaded/server.hpp"

namespace comet::threaded {

// Step 5: publish. Do its blocking work, if it has any, then append, wake, answer.
void Server::publish(Connection& connection, const Publish& request) {
  const Milliseconds work = service_.options.publish_work;
  if (work > Milliseconds{0}) {
    if (signals_.come() || draining_) return respond(connection, service_.shutting_down(request.form));
    std::this_thread::sleep_for(work);
  }
  append(connection, request);
}

void Server::append(Connection& connection, const Publish& request) {
  Waiters woken;
  std::unique_lock lock(channels_mutex_);
  Channel& channel = channels_.open(request.channel);
  const auto [appended, refusal] = channels_.publish(channel, request.body, request.cursor);
  if (!appended) {
    lock.unlock();
    return respond(connection, service_.refuse(refusal, request.form));
  }
  const Message message = *appended;
  const auto take = [&](Waiters& waiters) { subtract(counters_.held, woken.take_all(waiters)); };
  take(channel.waiters);
  channels_.close_passed(channel, take);
  lock.unlock();
  add(counters_.published);
  const std::size_t receivers = wake(woken, message);
  respond(connection, published_response(message.cursor, receivers, request.form));
}

// No lock is held: the woken threads run at once, and their next polls need it.
std::size_t Server::wake(Waiters& woken, const Message& message) {
  std::size_t receivers = 0;
  while (!woken.empty()) receivers += woken.take_first()->end(message);
  return receivers;
}

}  // namespace comet::threaded
