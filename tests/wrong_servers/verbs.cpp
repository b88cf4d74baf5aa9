// What the two verbs do to the channels, and most of what can be wrong with them.
#include "patterns/common/startup.hpp"
#include "tests/wrong_servers/server.hpp"

namespace comet {

void WrongServer::subscribe(Client& client, const Subscribe& request) {
  Channel& channel = channels_.open(has("ignores_channel") ? "all" : request.channel);
  client.form = request.form;
  client.hold = request.hold;
  if (has("holds_on_head") && request.form.head_only) client.hold = options_.hold_timeout;
  if (has("times_out_early")) client.hold /= 2;
  if (request.since && !has("ignores_since")) {
    Cursor since = *request.since;
    while (has("jumps_to_newest") && channel.log.size() > 1) channel.log.drop_oldest();
    if (has("repeats_a_message") && since != Cursor{}) --since.milliseconds;
    const auto found = channel.log.first_after(since);
    client.form.missed = found.missed && !has("no_missed") && !has("jumps_to_newest");
    if (has("keeps_body_on_head")) client.form.head_only = false;
    if (found.message) {
      client.delivering = !request.form.head_only;
      return answer(client, message_response(*found.message, client.form));
    }
  }
  if (client.hold == Milliseconds{0}) {
    client.form.missed = false;
    answer(client, no_content_response(channel.log.last(), client.form));
    return channels_.close_if_unused(channel);
  }
  if (counters_.held >= held_limit(options_)) {
    add(counters_.rejected);
    answer(client, unavailable_response("too many held requests", request.form));
    return channels_.close_if_unused(channel);
  }
  client.channel = &channel;
  channel.waiters.push_back(&client);
  counters_.channels = channels_.size();
  add(counters_.held);
  enter(client, State::kHeld);
}

void WrongServer::publish(Client& client, const Publish& request) {
  if (has("refuses_publisher_at_cap") && counters_.held >= held_limit(options_)) {
    return answer(client, unavailable_response("too many held requests", request.form));
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
  append(channel, request.body);
  answer(client, published_response(channel.log.last(), receivers, request.form));
}

void WrongServer::append(Channel& channel, std::string_view body) {
  if (!has("forgets_to_count")) add(counters_.published);
  const Message* message = nullptr;
  if (has("cursor_shrinks_after_restart")) {
    message = &channel.log.append(body, 0);
  } else {
    message = &channels_.publish(channel, body);
  }
  counters_.channels = channels_.size();
  const std::vector<Client*> woken = channel.waiters;
  for (Client* waiter : woken) {
    if (has("wakes_only_first_subscriber") && waiter != woken.front()) break;
    unhold(*waiter);
    waiter->delivering = true;
    answer(*waiter, message_response(*message, waiter->form));
  }
}

}  // namespace comet
