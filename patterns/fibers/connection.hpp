// Model: fibers. One connection, with calls on its socket that look blocking and suspend the fiber.
// Owner of a connection: the fiber that serves it; while it hibernates, the list of its thread.
// Runs on: the thread that accepted it.
// Wakes a held request: a letter from the room in its mailbox.
#pragma once

#include <sys/types.h>

#include <boost/intrusive/list.hpp>
#include <string_view>

#include "core/request_reader.hpp"
#include "patterns/fibers/epoll_scheduler.hpp"
#include "patterns/fibers/room.hpp"

namespace comet::fibers {

struct FiberThread;

struct OfThread;  // tag of the hook by which a connection is in its thread's list
using ConnectionHook = boost::intrusive::list_base_hook<boost::intrusive::tag<OfThread>>;

// What a connection costs besides its fiber's stack, and all that it costs while it hibernates.
struct Connection : Sleeper, Subscriber, ConnectionHook {
  // Takes its place in the thread's list until it is destroyed. Its socket comes with the next client. Throws
  // std::bad_alloc.
  Connection(FiberThread& host, const Service& service);
  ~Connection();

  enum class Phase : std::uint8_t { refused, idle, reading, held, writing, lingering, closed };

  // Reads what is there, without waiting: bytes in the thread's buffer, good until the fiber waits; empty
  // where there is nothing. False: the client has closed, or is gone.
  bool receive(std::string_view& bytes);
  // The reader's next decision. Runs on the thread's deep stack: parsing needs more than a fiber should
  // touch. Throws std::bad_alloc.
  Decision parse(std::string_view bytes);
  // Writes all; waits where the socket is full, each time at most `patience`. False: the client is gone or
  // does not read.
  bool send_all(std::string_view bytes, Milliseconds patience);
  // Reads and forgets until the client closes, or for at most `patience`.
  void discard_input(Milliseconds patience);

  FiberThread& thread;
  RequestReader reader;
  int socket = -1;
  Phase phase = Phase::idle;
  ReplyForm form;  // of the subscription
};

}  // namespace comet::fibers
