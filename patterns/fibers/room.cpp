// Model: fibers. The room: one letter after another.
// Owner of a subscriber: its connection's fiber; while held it is in its channel's list, which is the room's.
// Runs on: one fiber of the first thread.
// Wakes a held request: publish(), with one letter to each mailbox in the channel's list.
#include "patterns/fibers/room.hpp"

#include <new>
#include <utility>
#include <variant>

namespace comet::fibers {

using Kind = Letter::Kind;

void Room::run() {
  while (true) {
    const Letter letter = mailbox_.receive();
    switch (letter.kind) {
      case Kind::subscribe:
        letter.from->mailbox.send_patiently(
            answer_subscribe(*letter.from, std::get<Subscribe>(*letter.request)));
        break;
      case Kind::publish:
        publish(*letter.from, std::get<Publish>(*letter.request));
        break;
      case Kind::leave:
        letter.from->mailbox.send_patiently(answer_leave(*letter.from));
        break;
      case Kind::drain:
        end_all_holds();
        break;
      default:
        return;  // stop
    }
    counters_.channels.store(channels_.size(), std::memory_order_relaxed);
  }
}

Letter Room::ask(Kind kind, Subscriber& from, const Decision& request) {
  mailbox_.send({.kind = kind, .from = &from, .request = &request});
  return from.mailbox.receive();
}

Letter Room::leave(Subscriber& from) {
  mailbox_.send_patiently({.kind = Kind::leave, .from = &from});
  Letter letter = from.mailbox.receive();
  if (letter.kind != Kind::left) from.mailbox.receive();  // the confirmation comes behind what came meanwhile
  return letter;
}

// Null: no memory for one more channel.
Channel* Room::open(const std::string& name) {
  try {
    return &channels_.open(name);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

// The log answers, or the subscriber is known from now on: what is published next goes into its mailbox,
// whether its fiber waits there already or not.
Letter Room::answer_subscribe(Subscriber& from, const Subscribe& request) {
  if (draining_) return {.kind = Kind::shutting_down};
  Channel* const opened = open(request.channel);
  if (!opened) return {.kind = Kind::no_memory};
  Channel& channel = *opened;
  const Cursor since = request.since.value_or(channel.log.last());
  const auto [message, missed] = channel.log.first_after(since);
  if (message) return {.kind = Kind::message, .missed = missed, .message = *message};
  if (request.hold > Milliseconds{0} && counters_.held < held_limit_) {
    channel.waiters.push_back(from);
    from.channel = &channel;
    add(counters_.held);
    return {.kind = Kind::subscribed, .missed = missed};
  }
  const Cursor last = channel.log.last();
  channels_.close_if_unused(channel);
  if (request.hold == Milliseconds{0}) {
    return {.kind = Kind::no_message, .missed = missed, .message = {.cursor = last, .response = nullptr}};
  }
  return {.kind = Kind::refused};
}

// The list is emptied first: it takes only those who wait now, not those who come back for the next message.
// The publisher is answered before them, as in the Erlang version: the message is in the log, the letters are
// on their way.
void Room::publish(Subscriber& from, const Publish& request) {
  Channel* const channel = open(request.channel);
  const Message* const appended = channel ? channels_.publish(*channel, request.body) : nullptr;
  if (!appended) return from.mailbox.send_patiently({.kind = Kind::no_memory});
  const Letter letter{.kind = Kind::message, .message = *appended};
  Waiters woken;
  woken.swap(channel->waiters);
  add(counters_.published);
  subtract(counters_.held, woken.size());
  from.mailbox.send_patiently({.kind = Kind::posted,
                               .message = {.cursor = letter.message.cursor, .response = nullptr},
                               .receivers = woken.size()});
  while (!woken.empty()) {
    Subscriber& subscriber = woken.front();
    woken.pop_front();
    subscriber.channel = nullptr;
    subscriber.mailbox.send_patiently(letter);
  }
}

Letter Room::answer_leave(Subscriber& from) {
  if (!from.channel) return {.kind = Kind::left};  // a letter that ended the hold is on its way
  Channel& channel = *std::exchange(from.channel, nullptr);
  channel.waiters.erase(channel.waiters.iterator_to(from));
  subtract(counters_.held);
  const Cursor last = channel.log.last();
  channels_.close_if_unused(channel);
  return {.kind = Kind::left, .message = {.cursor = last, .response = nullptr}};
}

void Room::end_all_holds() {
  draining_ = true;
  channels_.for_each([this](Channel& channel) {
    while (!channel.waiters.empty()) {
      Subscriber& subscriber = channel.waiters.front();
      channel.waiters.pop_front();
      subscriber.channel = nullptr;
      subtract(counters_.held);
      subscriber.mailbox.send_patiently({.kind = Kind::shutting_down});
    }
  });
}

}  // namespace comet::fibers
