// Model: a pool of threads over one Asio loop; a held request is a Continuation. Here: a publish.
// Owner of a connection: the publish, from its request to its answer, whichever thread has it.
// Runs on: any thread of the pool, the log in the strand; work that is handed over on a thread of its own
// pool.
// Wakes a held request: wake() wins each continuation; resume_styles.cpp goes on with them.
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <thread>
#include <utility>

#include "patterns/continuations/server.hpp"

namespace comet::continuations {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kPortion = 64;  // continuations resumed before other requests have a turn

}  // namespace

// Step 5: publish. Do its blocking work, if it has any, here or in the other pool; then append, wake, answer.
void Server::publish(Connection& connection, Publish&& request) {
  const Milliseconds work = service_.options.publish_work;
  if (work > Milliseconds{0} && service_.options.publish_work_threads > 0) {
    return work_in_pool(connection, std::move(request));
  }
  if (work > Milliseconds{0}) {
    // The signal is seen before the strand sees it: else all publishes that are there by now would work first.
    if (signals_.come() || draining_) return respond(connection, service_.shutting_down(request.form));
    std::this_thread::sleep_for(work);
  }
  append(connection, std::move(request));
}

// The connection keeps its owner, who is on the way: what happens to it meanwhile has its turn after the
// answer. What has not begun when the server drains is refused.
void Server::work_in_pool(Connection& connection, Publish&& request) {
  asio::post(work_pool_, [this, &connection, request = std::move(request)]() mutable {
    const bool done = !draining_;
    if (done) std::this_thread::sleep_for(service_.options.publish_work);
    asio::post(pool_, [this, &connection, done, request = std::move(request)]() mutable {
      if (done) return append(connection, std::move(request));
      respond(connection, service_.shutting_down(request.form));
    });
  });
}

// The connection goes to the strand, and its answer is made when it comes back.
void Server::append(Connection& connection, Publish&& request) {
  asio::dispatch(strand_, [this, &connection, request = std::move(request)] {
    Channel& channel = channels_.open(request.channel);
    const Message* const appended = channels_.publish(channel, request.body);
    if (!appended) {
      const Response no = service_.unavailable("no memory for this message", request.form);
      return resume(std::make_shared<Woken>(), connection, no);
    }
    const auto message = std::make_shared<const Message>(*appended);
    add(counters_.published);
    count_channels();
    const auto woken = wake(channel, message);
    resume(woken, connection, published_response(message->cursor, woken->receivers, request.form));
  });
}

// Takes those who wait now, not those who come back for the next message. In the strand: claims, no answers.
std::shared_ptr<Woken> Server::wake(Channel& channel, const std::shared_ptr<const Message>& message) {
  auto woken = std::make_shared<Woken>();
  for (auto waiter = channel.waiters.begin(); waiter != channel.waiters.end();) {
    Connection& connection = *waiter++;
    if (!connection.continuation.resume(message)) continue;
    connection.channel = nullptr;
    if (woken->receivers++ % kPortion == 0) woken->portions.emplace_back();
    Waiters& portion = woken->portions.back();
    portion.splice(portion.end(), channel.waiters, Waiters::s_iterator_to(connection));
  }
  subtract(counters_.held, woken->receivers);
  return woken;
}

}  // namespace comet::continuations
