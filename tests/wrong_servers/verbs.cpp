// What the two verbs do to the channels, and most of what can be wrong with them.
#include <signal.h>
#include <sys/eventfd.h>

#include <boost/asio/post.hpp>
#include <thread>
#include <utility>

#include "patterns/common/startup.hpp"
#include "tests/wrong_servers/server.hpp"

namespace comet::wrong_server {
using namespace common;
namespace {

// The signals are blocked except while the server waits for events.
bool is_stop_pending() {
  sigset_t pending;
  return sigpending(&pending) == 0 &&
         (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
          sigismember(&pending, SIGHUP) == 1);
}

}  // namespace

void WrongServer::subscribe(Client& client, const Subscribe& request) {
  Channel& channel = channels_.open(has("ignores_channel") ? "all" : request.channel);
  client.form = request.form;
  client.hold = request.hold;
  Cursor last = channel.log.last();
  if (has("holds_on_head") && request.form.head_only) client.hold = options_.hold_timeout;
  if (has("times_out_early")) client.hold /= 10;
  if (request.since && !has("ignores_since")) {
    Cursor since = *request.since;
    while (has("jumps_to_newest") && channel.log.size() > 1) channel.log.drop_oldest();
    if (has("repeats_a_message") && since != Cursor{}) --since.milliseconds;
    auto found = channel.log.first_after(since, request.joined && !has("tells_a_gap_ahead"));
    if (!has("passes_nothing_over")) last = found.last;
    if (has("holds_a_cursor_ahead") && since > channel.log.last()) found.message = nullptr;
    client.form.missed = found.missed && !has("no_missed") && !has("jumps_to_newest");
    if (has("keeps_body_on_head")) client.form.head_only = false;
    if (found.message) {
      client.delivering = !request.form.head_only;
      return answer(client, message_response(*found.message, client.form));
    }
  }
  if (client.hold == Milliseconds{0}) {
    client.form.missed = false;
    answer(client,
           no_content_response(has("sends_back_a_smaller_cursor") ? channel.log.last() : last, client.form));
    return channels_.close_if_unused(channel);
  }
  if (counters_.held >= held_limit(options_)) {
    answer(client, service_.unavailable("too many held requests", request.form));
    return channels_.close_if_unused(channel);
  }
  client.channel = &channels_.waiting_place(channel, last);
  client.channel->waiters.push_back(&client);
  counters_.channels = channels_.size();
  add(counters_.held);
  enter(client, State::kHeld);
}

void WrongServer::publish(Client& client, const Publish& request) {
  const bool works = options_.publish_work > Milliseconds{0} && !has("answers_before_its_work");
  if (works && options_.publish_work_threads > 0 && !has("works_in_the_loop"))
    return work_in_pool(client, request);
  if (works && (draining_ || is_stop_pending())) {
    client.closing = true;
    return answer(client, service_.shutting_down(request.form));
  }
  if (works) std::this_thread::sleep_for(options_.publish_work);
  publish_now(client, request);
}

void WrongServer::work_in_pool(Client& client, const Publish& request) {
  enter(client, State::kWorking);
  boost::asio::post(*work_pool_, [this, &client, request] {
    std::this_thread::sleep_for(options_.publish_work);
    const std::lock_guard lock(work_mutex_);
    worked_.emplace_back(&client, request);
    eventfd_write(work_done_, 1);
  });
}

void WrongServer::finish_work() {
  eventfd_t ignored;
  eventfd_read(work_done_, &ignored);
  const std::lock_guard lock(work_mutex_);
  for (const auto& [client, request] : std::exchange(worked_, {})) {
    publish_now(*client, request);
    if (has("appends_twice")) append(channels_.open(request.channel), request.body);
    if (draining_) client->closing = true;
  }
}

void WrongServer::publish_now(Client& client, const Publish& request) {
  if (has("refuses_publisher_at_cap") && counters_.held >= held_limit(options_)) {
    return answer(client, service_.unavailable("too many held requests", request.form));
  }
  Channel& channel = channels_.open(has("ignores_channel") ? "all" : request.channel);
  const std::size_t receivers = channel.waiters.size();
  if (has("answers_before_logging")) {
    not_yet_logged_.emplace_back(channel.name, request.body);
    return answer(client, published_response(channel.log.last(), receivers, request.form));
  }
  if (has("loses_between_polls") && receivers == 0) {
    return answer(client, published_response({unix_milliseconds(), 0}, 0, request.form));
  }
  const bool is_above = request.cursor == Cursor{} || request.cursor > channel.log.last();
  if (!is_above && !has("takes_any_cursor")) {
    channels_.close_if_unused(channel);
    return answer(client, service_.refuse(kCursorNotAboveLast, request.form));
  }
  append(channel, request.body, is_above && !has("gives_its_own_cursor") ? request.cursor : Cursor{});
  answer(client, published_response(channel.log.last(), receivers, request.form));
}

void WrongServer::append(Channel& channel, std::string_view body, Cursor cursor) {
  if (!has("forgets_to_count")) add(counters_.published);
  const Message* message = nullptr;
  if (has("cursor_shrinks_after_restart")) {
    message = &channel.log.append(body, 0);
  } else {
    message = channels_.publish(channel, body, cursor).message;
  }
  channels_.close_passed(channel, [&channel](std::vector<Client*>& passed) {
    for (Client* waiter : passed) waiter->channel = &channel;
    channel.waiters.insert(channel.waiters.end(), passed.begin(), passed.end());
  });
  counters_.channels = channels_.size();
  const std::vector<Client*> woken = channel.waiters;
  for (Client* waiter : woken) {
    if (has("wakes_only_first_subscriber") && waiter != woken.front()) break;
    unhold(*waiter);
    waiter->delivering = true;
    answer(*waiter, message_response(*message, waiter->form));
  }
}

}  // namespace comet::wrong_server
