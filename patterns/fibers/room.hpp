// Model: fibers. The room of the Erlang version: an actor that owns the channels and knows each subscriber.
// Owner of a subscriber: its connection's fiber; while held it is in its channel's list, which is the
// room's.
// Runs on: one fiber of the first thread; all that others want of it comes by letter, so nothing is locked.
// Wakes a held request: publish(), with one letter to each mailbox in the channel's list.
#pragma once

#include <boost/intrusive/list.hpp>

#include "core/channels.hpp"
#include "core/stats.hpp"
#include "patterns/fibers/mailbox.hpp"

namespace comet::fibers {

struct Waiting;  // tag of the hook by which a held subscriber is in its channel's list
using WaiterHook = boost::intrusive::list_base_hook<boost::intrusive::tag<Waiting>>;
using Waiters = boost::intrusive::list<Subscriber, boost::intrusive::base_hook<WaiterHook>>;
using Channel = Channels<Waiters>::Channel;

// What the room needs to know of a connection. The hook and the channel are the room's.
struct Subscriber : WaiterHook {
  Subscriber(Inbox& inbox, Sleeper& owner) : mailbox(inbox, owner) {}

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

  // The room's fiber: answers letters until `stop`, which its last correspondent sends.
  void run();

  // Asks, and waits for the answer. Called by the subscriber's own fiber. Throws std::bad_alloc, and has
  // asked nothing then.
  Letter ask(Letter::Kind kind, Subscriber& from, const Decision& request);
  // Ends a hold from the subscriber's side. Waits until the room has confirmed, after which it sends nothing
  // more. Yields what it sent meanwhile (a message, or shutting_down), or else `left`, with the channel's
  // last cursor.
  Letter leave(Subscriber& from);
  // From any thread: from now on nobody is held. Who is held is told so.
  void drain() { mailbox_.send_patiently({.kind = Letter::Kind::drain}); }
  void stop() { mailbox_.send_patiently({.kind = Letter::Kind::stop}); }

 private:
  Channel* open(const std::string& name);
  Letter answer_subscribe(Subscriber& from, const Subscribe& request);
  void publish(Subscriber& from, const Publish& request);
  Letter answer_leave(Subscriber& from);
  void end_all_holds();

  const std::size_t held_limit_;
  Counters& counters_;
  Channels<Waiters> channels_;
  Sleeper sleeper_;
  Mailbox mailbox_;
  bool draining_ = false;
};

}  // namespace comet::fibers
