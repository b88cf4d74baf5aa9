// Model: one thread per connection. Clients for whom there is no thread: the acceptor answers them itself.
// Owner of a connection: this list, for kLingerTimeout at most.
// Runs on: the main thread, between two accepts.
// Wakes a held request: nothing here.
#pragma once

#include <poll.h>

#include <cstddef>
#include <deque>
#include <vector>

#include "core/deadlines.hpp"
#include "core/response.hpp"

namespace comet {

class Refusals {
 public:
  ~Refusals();

  // Answers and keeps the socket until its client has read that and closed. The oldest makes room for the
  // newest.
  void answer(int socket, const Response& response);

  // For poll(): appends one entry per socket, and says how long to wait at most, -1: as long as you like.
  void append_to(std::vector<pollfd>& polled) const;
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

}  // namespace comet
