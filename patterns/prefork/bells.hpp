// Model: prefork. The bells by which one write(2) wakes every worker that is held on a channel.
// Owner of a connection: its worker; the bells are the master's, opened before the first fork, so every
// worker has them.
// Runs on: publish() of any worker, and the master after a worker's violent end.
// Wakes a held request: each worker has the bell of its channel in its own epoll, edge-triggered. So nobody
// reads the eventfd, and a ring that comes between a look at the log and the wait is not lost: it stays in
// that worker's epoll.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace comet::prefork {

class Bells {
 public:
  Bells();  // exits with one line where the system has no descriptors left

  // Channels share bells by their hash; more bells mean fewer workers woken for a channel that is not theirs.
  int of(std::uint64_t channel_hash) const { return bells_[channel_hash % bells_.size()]; }
  void ring(std::uint64_t channel_hash) const;
  void ring_all() const;

 private:
  std::array<int, 32> bells_;
};

}  // namespace comet::prefork
