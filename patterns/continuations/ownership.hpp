// Model: a pool of threads; a held request is a Continuation. Here: which thread may touch a connection.
// Owner of a connection: one thread at a time, handed on by this word. No thread ever waits for another.
// Runs on: whichever thread of the pool raises an event that nobody is handling.
// Wakes a held request: Event::resumed, raised for each continuation that a publisher has claimed.
//
// Several things can happen to one connection at once: bytes come while a publisher resumes it and its time
// is over. Each connection has one atomic word: a bit for each event that nobody has handled yet, and a bit
// that says whether a thread owns the connection. A thread that brings an event sets the event's bit and the
// owner's bit in one step. If nobody was the owner, this thread is now. If another thread was, this one goes
// away: the owner finds the event when it wants to give the connection up, and handles it first. So nobody
// waits, no event is lost, and no two threads touch a connection at once.
//
//              raise(): Turn::mine
//      +------------------------------------+
//      |                                    v    raise(): Turn::others
//   +------+                   +----------------------+ <---+
//   | free |                   |  owned, with events  | ----+
//   +------+                   +----------------------+
//      ^                         |                  ^
//      |       take() the last   |                  |  raise(): Turn::others
//      |                         v                  |
//      |                       +----------------------+          a new connection begins here
//      +---------------------- |   owned, no events   | <------
//              give_up()       +----------------------+
//                                           |
//                                           |  retire(), with or without events, which are dropped
//                                           v
//                              +----------------------+  raise() of the last
//                              |       retired        | ----------------------> freed
//                              +----------------------+  operation: Turn::last
//
// A retired connection is shut down, but the system may still owe it an event: its wait for input, its wait for
// room to write, or both. Whoever brings the last of them frees it. If none is owed, retire()'s caller does.
#pragma once

#include <atomic>
#include <cstdint>

namespace comet::continuations {

// What can happen to a connection, as bits: an event raised twice before it is handled is handled once.
enum class Event : std::uint8_t {
  readable = 1,   // the wait for input ended: bytes, the end of input, an error
  writable = 2,   // the wait for room to write ended
  resumed = 4,    // its continuation was claimed by a publisher
  time_over = 8,  // its deadline was taken out of the list
  drain = 16,     // the server shuts down
};

class Ownership {
 public:
  enum class Turn : std::uint8_t {
    mine,    // the caller owns the connection now and must take() and handle the event
    others,  // the present owner will find it
    last,    // the connection was retired and this was its last operation in flight: free it
  };

  // Any thread may call this, as long as it knows that the connection is not freed.
  Turn raise(Event event);

  // For the owner. Takes out one event; there must be one.
  Event take();
  // For the owner. False: events came meanwhile, and the caller is still the owner.
  bool give_up();
  // For the owner, when it closes the connection: nobody will own it again. True: no operation is in flight,
  // free the connection now. Otherwise the raise() that returns Turn::last has to.
  bool retire(bool readable_in_flight, bool writable_in_flight);

 private:
  std::atomic<std::uint8_t> word_{32};  // a new connection is owned by the thread that made it
};

}  // namespace comet::continuations
