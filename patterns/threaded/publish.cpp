// Model: one thread per connection. A publish: its blocking work, the log, and the waking of those who wait.
// Owner of a connection: its thread.
// Runs on: that thread, which is there to block: work needs no other.
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
  const Message* const appended = channels_.publish(channel, request.body);
  if (!appended) {
    lock.unlock();
    return respond(connection, service_.unavailable("no memory for this message", request.form));
  }
  const Message message = *appended;
  take_waiters(channel, woken);
  lock.unlock();
  add(counters_.published);
  const std::size_t receivers = wake(woken, message);
  respond(connection, published_response(message.cursor, receivers, request.form));
}

// Called with channels_mutex_ held; what is taken is the caller's to end.
void Server::take_waiters(Channel& channel, Waiters& taken) {
  for (Waiter& waiter : channel.waiters) {
    waiter.listed = false;
    subtract(counters_.held);
  }
  taken.splice(taken.end(), channel.waiters);
}

// No lock is held: the woken run at once.
std::size_t Server::wake(Waiters& woken, const Message& message) {
  std::size_t receivers = 0;
  while (!woken.empty()) receivers += take_first(woken)->end(message);
  return receivers;
}

}  // namespace comet::threaded
