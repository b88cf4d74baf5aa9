// Model: fibers. The room: an actor (Erlang says process), that is, a fiber which alone owns the channels.
// Everybody else asks it by letter, and it answers by letter, one letter after another. So nothing is locked.
// Owner of a participant: its connection's fiber. While its request is held it is also in its channel's list,
// which is the room's.
// Runs on: one fiber of the first thread.
// Wakes a held request: answer_publish(), with one letter to each mailbox in the channel's list.
#pragma once

#include <boost/intrusive/list.hpp>

#include "core/channels.hpp"
#include "core/stats.hpp"
#include "patterns/fibers/mailbox.hpp"

namespace comet::fibers {

struct Waiting;  // tag of the hook by which a held participant is in its channel's list
using WaiterHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Waiting>>;
using Waiters = boost::intrusive::list<Participant, boost::intrusive::base_hook<WaiterHook>>;
using Channel = Channels<Waiters>::Channel;

// A connection as the room knows it, be it a subscriber's or a publisher's. Hook and channel are the room's.
struct Participant : WaiterHook {
  Participant(Inbox& inbox, Sleeper& owner) : mailbox(inbox, owner) {}

  Mailbox mailbox;
  Channel* channel = nullptr;  // while held
};

class Room {
 public:
  // Holds at most `held_limit` requests. `begin`: the cursor before any message.
  Room(Inbox& home, const Options& options, std::size_t held_limit, Cursor begin, Counters& counters)
      : held_limit_(held_limit),
        counters_(counters),
        channels_(options, begin),
        sleeper_(home.scheduler()),
        mailbox_(home, sleeper_) {}

  // The room's fiber: answers letters until stop().
  void run();

  // Called by the participant's own fiber. Each sends the room a letter and waits for its answer.
  Letter subscribe(Participant& from, const Subscribe& request);
  Letter publish(Participant& from, const Publish& request);
  // Ends a hold from the participant's side. The room may have ended it already: then this yields the letter
  // that it sent (message or shutting_down). Else it yields `left`, with the channel's last cursor.
  Letter leave(Participant& from);

  // From any thread. From now on nobody is held; the held requests are ended with shutting_down.
  void drain() { mailbox_.send({.kind = Letter::Kind::drain}); }
  // The last letter to the room.
  void stop() { mailbox_.send({.kind = Letter::Kind::stop}); }

 private:
  Letter ask(Letter::Kind kind, const Question& question);
  Letter answer_subscribe(Participant& from, const Subscribe& request);
  void answer_publish(Participant& from, const Publish& request);
  Letter answer_leave(Participant& from);
  void end_all_holds();
  void send_to_all(Waiters& waiters, const Letter& letter);

  const std::size_t held_limit_;
  Counters& counters_;
  Channels<Waiters> channels_;
  Sleeper sleeper_;
  Mailbox mailbox_;
  bool draining_ = false;
};

}  // namespace comet::fibers
