// Model: a pool of threads over one Asio loop; a held request is a Continuation. Here: a publish.
// Owner of a connection: the publish, from its request to its answer, whichever thread has it.
// Runs on: any thread of the pool, the log in the strand; work that is handed over on a thread of
// its own pool.
// Wakes a held request: claim_waiters() claims each continuation; resume_styles.cpp goes on with them.
#include <chrono>
#include <thread>

#include "patterns/continuations/server.hpp"

namespace comet::continuations {

// Step 5: publish. Do its blocking work, if any, here or in the other pool; then append, claim, answer.
TurnEnd Server::publish(Connection& connection, Publish&& request) {
  const Milliseconds work = service_.options.publish_work;
  if (work == Milliseconds{0}) return append(connection, std::move(request));
  if (service_.options.publish_work_threads > 0) return work_in_pool(connection, std::move(request));
  // The signal is seen before the strand sees it: else all publishes that are there by now would work first.
  if (signals_.come() || draining_) return respond(connection, service_.shutting_down(request.form));
  std::this_thread::sleep_for(work);
  return append(connection, std::move(request));
}

// The connection's turn goes on until the answer, so that what happens to it meanwhile waits for its turn.
// What has not begun when the server drains is refused.
TurnEnd Server::work_in_pool(Connection& connection, Publish&& request) {
  return hand_to(work_pool_, [this, &connection, request = std::move(request)]() mutable {
    const bool done = !draining_;
    if (done) std::this_thread::sleep_for(service_.options.publish_work);
    return hand_to(pool_, [this, &connection, done, request = std::move(request)]() mutable {
      if (done) return append(connection, std::move(request));
      return respond(connection, service_.shutting_down(request.form));
    });
  });
}

// The connection goes to the strand, and its answer is made when it comes back.
TurnEnd Server::append(Connection& connection, Publish&& request) {
  return hand_to_strand([this, &connection, request = std::move(request)] {
    Channel& channel = channels_.open(request.channel);
    const auto [appended, refusal] = channels_.publish(channel, request.body, request.cursor);
    if (!appended) {
      return hand_to(pool_, [this, &connection, refusal = refusal, form = request.form] {
        return respond(connection, service_.refuse(refusal, form));
      });
    }
    add(counters_.published);
    channels_.close_passed(channel, [&channel](Waiters& passed) {
      for (Connection& waiting : passed) waiting.channel = &channel;
      channel.waiters.splice(channel.waiters.end(), passed);
    });
    count_channels();
    const auto claimed = claim_waiters(channel, std::make_shared<const Message>(*appended));
    const Response answer = published_response(appended->cursor, claimed->receivers, request.form);
    return resume_claimed(claimed, connection, answer);
  });
}

// In the strand: claims all that wait now, and answers none of them here. One that another has claimed leaves
// the list in end_hold(). Those that come back for the next message wait for the next publish.
std::shared_ptr<Claimed> Server::claim_waiters(Channel& channel,
                                               const std::shared_ptr<const Message>& message) {
  auto claimed = std::make_shared<Claimed>();
  for (auto waiter = channel.waiters.begin(); waiter != channel.waiters.end();) {
    Connection& connection = *waiter++;
    if (!connection.continuation.resume(message)) continue;
    connection.channel = nullptr;
    claimed->connections.splice(claimed->connections.end(), channel.waiters,
                                Waiters::s_iterator_to(connection));
    ++claimed->receivers;
  }
  subtract(counters_.held, claimed->receivers);
  return claimed;
}

}  // namespace comet::continuations
