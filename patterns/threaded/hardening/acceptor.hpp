// Model: one thread per connection. Accepting while there are descriptors and memory, and the 503 of clients
// for whom there is no thread.
// Owner of a connection: not this file; of a refused client this class, for kLingerTimeout at most.
// Runs on: the main thread.
// Wakes a held request: nothing here.
#pragma once

#include <deque>
#include <optional>
#include <string_view>

#include "core/deadlines.hpp"
#include "core/service.hpp"
#include "patterns/common/stop_signals.hpp"

namespace comet::threaded {
using namespace core;
using namespace common;

class Acceptor {
 public:
  // Listens; exits with one line on standard error if it cannot.
  Acceptor(const Service& service, const StopSignals& signals);
  ~Acceptor();

  int listener() const { return listener_; }

  // Blocks until there is a connection; nullopt once a stop signal has come. While descriptors or memory are
  // out, clients wait in the kernel's queue.
  std::optional<int> next();

  // Answers 503 and takes over the socket: it is closed once the client has read that and closed, or in
  // next() after a second. Without memory for the answer it is closed at once.
  void refuse(int socket, std::string_view why);

  // Nobody is accepted any more.
  void close();

 private:
  struct Refused {
    int socket;
    Clock::time_point until;
  };

  bool wait_for_connection();
  std::optional<int> accept();
  void read_and_close_refused();

  const Service& service_;
  const StopSignals& signals_;
  int listener_;
  std::deque<Refused> refused_;  // oldest first
};

}  // namespace comet::threaded
