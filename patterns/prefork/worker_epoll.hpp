// Model: prefork. Where a worker sleeps: in an epoll of its own.
// Owner of a connection: the worker.
// Runs on: a worker, which opens its epoll after the fork; one from before would be the same for all workers.
// Wakes a held request: the event of its channel, which is in its worker's epoll.
//
// A worker sleeps for one of two things. Without a connection: until a client connects (the listener) or the
// pool has too many workers (the retirement). With one: until its client sends or leaves, or a message is
// published on its channel. The drain ends every sleep.
//
//      event        watched                       reported
//      drain        always                        in every sleep from the drain on
//      listener     while idle                    to one of the workers that sleep (EPOLLEXCLUSIVE)
//      retirement   while idle                    to one of the workers that sleep
//      client       from accept to close          in every sleep as long as there are bytes to read
//      channel      from the first hold to close  once for each write ("edge-triggered"): nobody reads it
#pragma once

#include "core/deadlines.hpp"

namespace comet::prefork {
using namespace core;

// What a sleep has reported. Neither: the channel, the drain, the end of the time, or nothing; for
// those, look.
struct Wakeup {
  bool client = false;      // bytes or the end of the client's can be read
  bool retirement = false;  // a worker is to end: the first that reads the event
};

// For poll(2) and epoll_wait(2): milliseconds, rounded up, 0 once the time is over.
int milliseconds_until(Clock::time_point until);

// All calls fail, and end the worker, only if the system is out of memory or of epoll watches.
class WorkerEpoll {
 public:
  void open(int drain_event);

  void watch_for_connections(int listener, int retirement);
  void stop_watching_for_connections(int listener, int retirement);

  // Until its socket is closed.
  void watch_client(int socket);
  // Instead of the one watched before.
  void watch_channel(int event);
  void stop_watching_channel();

  Wakeup sleep(Clock::time_point until) const;

 private:
  int epoll_ = -1;
  int channel_event_ = -1;  // the one that is watched
};

}  // namespace comet::prefork
