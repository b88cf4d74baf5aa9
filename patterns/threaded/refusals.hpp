// Model: one thread per connection. Clients for whom there is no thread: the acceptor answers them itself.
// Owner of a connection: this list, for kLingerTimeout at most.
// Runs on: the main thread, between two accepts.
// Wakes a held request: nothing here.
#pragma once

#include <poll.h>

#include <cstddef>
#include <deque>
#include <span>

#include "core/deadlines.hpp"
#include "core/response.hpp"

namespace comet::threaded {
using namespace core;

class Refusals {
 public:
  ~Refusals();

  // Answers and keeps the socket until its client has read that and closed. The oldest makes room for the
  // newest.
  void answer(int socket, const Response& response);

  static constexpr std::size_t kMost = 12;  // within the descriptors that connection_limit() leaves

  // For poll(): writes one entry per socket and returns their number; says how long to wait at most, -1: as
  // long as you like.
  nfds_t write_to(std::span<pollfd, kMost> polled) const;
  int time_left() const;
  // Reads what clients still send, and closes those who have closed or whose time is over.
  void read_and_close();

 private:
  struct Refused {
    int socket;
    Clock::time_point until;
  };
  std::deque<Refused> refused_;  // oldest first
};

}  // namespace comet::threaded
