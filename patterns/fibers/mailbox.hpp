// Model: fibers. Letters and mailboxes: how fibers talk, on one thread and between threads. A letter is what
// Erlang calls a message. Here it has another name, because a message is what somebody publishes. Owner of a
// mailbox: one fiber, or one connection that hibernates. Only the owner's thread touches it.
// Runs on: send() on any thread. A letter from another thread goes through the Inbox of the owner's thread.
// Wakes a held request: send() wakes the owner's Sleeper.
#pragma once

#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "core/decision.hpp"
#include "patterns/fibers/epoll_scheduler.hpp"

namespace comet::fibers {

struct Participant;

// What is asked of the room. It lies on the stack of the asking fiber until the room's answer to it has come.
struct Question {
  Participant* from;
  const Subscribe* to_subscribe = nullptr;
  const Publish* to_publish = nullptr;
};

struct Letter {
  enum class Kind : std::uint8_t {
    // To the room. The first three are questions.
    subscribe,
    publish,
    leave,
    drain,
    stop,
    // The room's answers to `subscribe`. After `held` one more letter follows: a message or shutting_down.
    held,
    message,
    no_content,
    too_many_held,
    shutting_down,
    // Its answers to `publish`.
    published,
    no_memory,
    not_above_last,
    // Its answer to `leave`. Nothing follows: the room has forgotten the participant.
    left,
    // To a publish, from the thread that did its blocking work.
    work_done,
    // To the server, from one of its threads: all its connections have ended.
    drained,
  };
  Kind kind;
  ReplyForm form = {};                 // of an answer to `subscribe`, with `missed` filled in
  const Question* question = nullptr;  // subscribe, publish, leave
  Message message = {};                // message; only its cursor: no_content, published, left
  std::size_t receivers = 0;           // published: how many held requests the message woke
};

class Mailbox;

// The letters from other threads for the mailboxes of one thread: one lock, and one wake-up of the thread for
// all letters that come before it looks.
class Inbox {
 public:
  explicit Inbox(EpollScheduler& home) : home_(home) {
    home.on_notified = [this] { deliver(); };
  }
  ~Inbox() { home_.on_notified = nullptr; }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  EpollScheduler& scheduler() const { return home_; }
  // True on the thread that owns these mailboxes.
  bool is_here() const { return EpollScheduler::here() == &home_; }
  // From any thread.
  void post(Mailbox& to, Letter&& letter);

 private:
  struct Posted {
    Mailbox* to;
    Letter letter;
  };

  void deliver();

  EpollScheduler& home_;
  std::mutex mutex_;
  std::deque<Posted> posted_;  // guarded by mutex_
};

// Whoever sends must know that the mailbox lives until its thread has taken the letter. For a connection the
// room knows: it sends nothing after `left`, and nothing after an answer that ends the subscription.
class Mailbox {
 public:
  // The first letter has its memory from now on: a message needs none to reach a held request.
  Mailbox(Inbox& inbox, Sleeper& owner) : inbox_(inbox), owner_(owner) { letters_.reserve(1); }

  // From any thread. Letters of one sender keep their order.
  void send(Letter letter) {
    if (inbox_.is_here()) {
      put(std::move(letter));
    } else {
      inbox_.post(*this, std::move(letter));
    }
  }

  // By the owner.
  bool empty() const { return letters_.empty(); }
  // The oldest letter. The fiber waits until there is one, whatever else happens.
  Letter receive() {
    while (empty()) owner_.park();
    Letter letter = std::move(letters_[taken_++]);
    if (taken_ == letters_.size()) {
      letters_.clear();
      taken_ = 0;
    }
    return letter;
  }

 private:
  friend class Inbox;

  void put(Letter&& letter) {
    letters_.push_back(std::move(letter));
    owner_.wake();
  }

  Inbox& inbox_;
  Sleeper& owner_;
  std::vector<Letter> letters_;
  std::size_t taken_ = 0;  // letters at the front that receive() has taken already
};

inline void Inbox::post(Mailbox& to, Letter&& letter) {
  const std::lock_guard lock(mutex_);
  posted_.push_back({&to, std::move(letter)});
  if (posted_.size() == 1) home_.notify();
}

inline void Inbox::deliver() {
  std::deque<Posted> delivering;
  {
    const std::lock_guard lock(mutex_);
    delivering.swap(posted_);
  }
  for (Posted& posted : delivering) posted.to->put(std::move(posted.letter));
}

}  // namespace comet::fibers
