// Model: fibers. Letters and mailboxes: how the room and the connections talk, within and between threads.
// Owner of a mailbox: one fiber, or the connection that hibernates. Only the owner's thread touches it.
// Runs on: send() on any thread; a letter from another one goes through the Inbox of the owner's thread.
// Wakes a held request: send() wakes the owner's Sleeper.
#pragma once

#include <boost/fiber/operations.hpp>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "core/decision.hpp"
#include "patterns/fibers/epoll_scheduler.hpp"

namespace comet::fibers {

struct Subscriber;

struct Letter {
  enum class Kind : std::uint8_t {
    // To the room. The sender of the first three waits for the answer, so `request` stays alive.
    subscribe,
    publish,
    leave,
    drain,
    stop,
    // The room's answers to subscribe. All but `subscribed` end it: nothing else follows.
    subscribed,
    message,  // also what a held subscriber waits for
    no_message,
    refused,
    no_memory,      // also to publish
    shutting_down,  // also to held subscribers
    // To publish.
    posted,
    // To leave. Nothing follows: the room has forgotten the subscriber.
    left,
    // To publish, of a thread that blocked for it.
    worked,
    // Among the server's threads.
    drained,
  };
  Kind kind;
  bool missed = false;                // subscribed, message, no_message: Comet-Missed
  Subscriber* from = nullptr;         // subscribe, publish, leave
  const Decision* request = nullptr;  // subscribe, publish
  Message message = {};               // message; in no_message, posted and left only its cursor
  std::size_t receivers = 0;          // posted
};

class Mailbox;

// The letters of other threads for the mailboxes of one thread. One lock per thread, and one wake-up for all
// letters that come before the thread looks.
class Inbox {
 public:
  explicit Inbox(EpollScheduler& home) : home_(home) {
    home.on_notified = [this] { deliver(); };
  }
  ~Inbox() { home_.on_notified = nullptr; }
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  EpollScheduler& scheduler() const { return home_; }
  bool is_here() const { return EpollScheduler::here() == &home_; }
  void post(Mailbox& to, Letter&& letter);

 private:
  struct Posted {
    Mailbox* to;
    Letter letter;
  };

  void deliver();
  bool put_all();

  EpollScheduler& home_;
  std::mutex mutex_;
  std::vector<Posted> posted_;      // guarded by mutex_
  std::vector<Posted> delivering_;  // between two calls of deliver() only those that memory lacked for
};

// Whoever sends must know that the mailbox lives until its thread has taken the letter. For a subscriber the
// room does: it sends nothing behind `left`, nor behind an answer that ends the subscription.
class Mailbox {
 public:
  // Has memory for the first letter from now on, so that a message finds whoever is held. Throws
  // std::bad_alloc.
  Mailbox(Inbox& inbox, Sleeper& owner) : inbox_(inbox), owner_(owner) { letters_.reserve(1); }

  // From any thread. Letters of one sender keep their order. Throws std::bad_alloc, and has sent nothing
  // then.
  void send(Letter letter) {
    if (inbox_.is_here()) return put(std::move(letter));
    inbox_.post(*this, std::move(letter));
  }
  // The same for a letter that must come: others run until there is memory for it.
  void send_patiently(const Letter& letter) {
    while (!try_send(letter)) {
      EpollScheduler::here() ? boost::this_fiber::yield() : std::this_thread::yield();
    }
  }

  // By the owner: is there a letter, and the oldest one, which must be there.
  bool empty() const { return letters_.empty(); }
  Letter take() {
    Letter letter = std::move(letters_[taken_]);
    if (++taken_ == letters_.size()) letters_.clear(), taken_ = 0;
    return letter;
  }
  // The oldest letter; waits until there is one, whatever else happens.
  Letter receive() {
    while (empty()) owner_.park();
    return take();
  }

 private:
  friend class Inbox;
  // No fiber may be switched where an exception is caught.
  bool try_send(const Letter& letter) {
    try {
      send(letter);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  void put(Letter&& letter) {
    letters_.push_back(std::move(letter));
    owner_.wake();
  }

  Inbox& inbox_;
  Sleeper& owner_;
  std::vector<Letter> letters_;
  std::size_t taken_ = 0;  // letters at the front of letters_ that are gone
};

inline void Inbox::post(Mailbox& to, Letter&& letter) {
  const std::lock_guard lock(mutex_);
  posted_.push_back({&to, std::move(letter)});
  if (posted_.size() == 1) home_.notify();
}

inline void Inbox::deliver() {
  if (!put_all()) return;
  {
    const std::lock_guard lock(mutex_);
    delivering_.swap(posted_);
  }
  put_all();
}

// False: memory lacks for a letter. It and those behind it are delivered when the thread looks again, soon.
inline bool Inbox::put_all() {
  for (auto posted = delivering_.begin(); posted != delivering_.end(); ++posted) {
    try {
      posted->to->put(std::move(posted->letter));
    } catch (const std::bad_alloc&) {
      delivering_.erase(delivering_.begin(), posted);
      home_.notify();
      return false;
    }
  }
  delivering_.clear();
  return true;
}

}  // namespace comet::fibers
