// Model: fibers. The room: one letter after another. Owner of a participant: its connection's fiber. While
// its request is held it is also in its channel's list, which is the room's.
// Runs on: the questions on the asking fiber; the answers on the room's fiber, on the first thread.
// Wakes a held request: answer_publish(), with one letter to each mailbox in the channel's list.
#include "patterns/fibers/room.hpp"

#include <utility>

#include "core/lookup.hpp"

namespace comet::fibers {

using Kind = Letter::Kind;

// The questions, on the fiber of the connection that asks.

Letter Room::ask(Kind kind, const Question& question) {
  mailbox_.send({.kind = kind, .question = &question});
  return question.from->mailbox.receive();
}

Letter Room::subscribe(Participant& from, const Subscribe& request) {
  return ask(Kind::subscribe, {.from = &from, .to_subscribe = &request});
}

Letter Room::publish(Participant& from, const Publish& request) {
  return ask(Kind::publish, {.from = &from, .to_publish = &request});
}

// Letters keep their order, so one that the room sent before it read `leave` comes first, and `left` after
// it. The room sends nothing after `left`: from then on the connection may be freed. The question lives
// until then too.
Letter Room::leave(Participant& from) {
  const Question question{.from = &from};
  Letter letter = ask(Kind::leave, question);
  if (letter.kind != Kind::left) from.mailbox.receive();  // left
  return letter;
}

// The answers, on the room's fiber.

void Room::run() {
  while (true) {
    const Letter letter = mailbox_.receive();
    const Question* const question = letter.question;
    switch (letter.kind) {
      case Kind::subscribe:
        question->from->mailbox.send(answer_subscribe(*question->from, *question->to_subscribe));
        break;
      case Kind::publish:
        answer_publish(*question->from, *question->to_publish);
        break;
      case Kind::leave:
        question->from->mailbox.send(answer_leave(*question->from));
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

// The log answers, or the request is held: the participant is in the channel's list before its fiber reads
// `held`. A message that is published before that fiber waits is kept in its mailbox.
Letter Room::answer_subscribe(Participant& from, const Subscribe& request) {
  if (draining_) return {.kind = Kind::shutting_down, .form = request.form};
  Channel& channel = channels_.open(request.channel);
  const Lookup found = look_up(channel.log, request);
  if (found.outcome == Outcome::message) {
    return {.kind = Kind::message, .form = found.form, .message = *found.message};
  }
  if (found.outcome == Outcome::hold && counters_.held < held_limit_) {
    from.channel = &channels_.waiting_place(channel, found.last);
    from.channel->waiters.push_back(from);
    add(counters_.held);
    return {.kind = Kind::held, .form = found.form};
  }
  channels_.close_if_unused(channel);
  if (found.outcome == Outcome::hold) return {.kind = Kind::too_many_held, .form = found.form};
  return {
      .kind = Kind::no_content, .form = found.form, .message = {.cursor = found.last, .response = nullptr}};
}

// The publisher is answered before the subscribers, as in the Erlang version: the message is in the log,
// and the letters are on their way. A subscriber that comes back for the next message asks by letter, so
// the loop ends.
void Room::answer_publish(Participant& from, const Publish& request) {
  Channel& channel = channels_.open(request.channel);
  const auto [appended, refusal] = channels_.publish(channel, request.body, request.cursor);
  if (!appended) {
    return from.mailbox.send({.kind = refusal.status == 409 ? Kind::not_above_last : Kind::no_memory});
  }
  channels_.close_passed(channel, [&channel](Waiters& passed) {
    for (Participant& waiting : passed) waiting.channel = &channel;
    channel.waiters.splice(channel.waiters.end(), passed);
  });
  const std::size_t receivers = channel.waiters.size();
  add(counters_.published);
  subtract(counters_.held, receivers);
  const Letter letter{.kind = Kind::message, .message = *appended};
  from.mailbox.send({.kind = Kind::published,
                     .message = {.cursor = letter.message.cursor, .response = nullptr},
                     .receivers = receivers});
  send_to_all(channel.waiters, letter);
}

Letter Room::answer_leave(Participant& from) {
  if (!from.channel) return {.kind = Kind::left};  // the letter that ended its hold is on its way
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
    subtract(counters_.held, channel.waiters.size());
    send_to_all(channel.waiters, {.kind = Kind::shutting_down});
  });
}

// Ends their holds. Each is out of the list before its letter leaves: nothing else will end its hold.
void Room::send_to_all(Waiters& waiters, const Letter& letter) {
  while (!waiters.empty()) {
    Participant& subscriber = waiters.front();
    waiters.pop_front();
    subscriber.channel = nullptr;
    subscriber.mailbox.send(letter);
  }
}

}  // namespace comet::fibers
