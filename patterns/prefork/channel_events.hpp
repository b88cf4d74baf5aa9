// Model: prefork. The events by which one write(2) wakes every worker that holds a request on a channel.
// Owner of a connection: its worker. The events are the master's, opened before the first fork, so every
// worker has them.
// Runs on: publish() of any worker, and the master after a worker was killed.
// Wakes a held request: a write to the eventfd of its channel.
//
// An eventfd is a number in the kernel behind a descriptor; a write adds to it. Each worker has the one
// of its channel in its own epoll, edge-triggered: every write is reported to every worker once, and
// nobody reads the number. A write that comes after a worker has looked at the log, but before it sleeps,
// stays pending in its epoll, and ends the sleep at once. So a worker watches first and looks then, and
// misses nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace comet::prefork {

class ChannelEvents {
 public:
  ChannelEvents();  // exits with one line if the system has no descriptors left

  // The eventfd of a channel. Channels share them by their hash: a worker may be woken for another channel,
  // finds nothing in the log, and sleeps again.
  int of(std::uint64_t channel_hash) const { return events_[channel_hash % events_.size()]; }
  void notify(std::uint64_t channel_hash) const;
  void notify_all() const;

 private:
  std::array<int, 32> events_;
};

}  // namespace comet::prefork
