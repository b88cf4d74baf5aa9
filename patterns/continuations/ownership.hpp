// Model: a pool of threads; a held request is a Continuation. Here: which thread may touch a connection.
// Owner of a connection: one thread at a time, handed on by this word. No thread ever waits for another.
// Runs on: whichever thread of the pool raises an event that nobody is handling.
// Wakes a held request: Event::resumed, raised for each continuation that a publisher has won.
#pragma once

#include <atomic>
#include <cstdint>

namespace comet::continuations {

// What can happen to a connection, as bits: an event raised twice before it is handled is handled once.
enum class Event : std::uint8_t {
  readable = 1,   // the wait for input ended: bytes, the end of input, an error
  writable = 2,   // the wait for room to write ended
  resumed = 4,    // its continuation was resumed by a publisher
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

  // Any thread may call this, as long as it knows the connection is not freed.
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
