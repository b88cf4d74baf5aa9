// Model: fibers. One connection, with calls that look as if they block and suspend only its fiber.
// Owner of a connection: the fiber that serves it; while it hibernates, its thread's list of connections.
// Runs on: the thread that accepted it.
// Wakes a held request: a letter from the room in its mailbox.
#pragma once

#include <boost/intrusive/list.hpp>
#include <string_view>

#include "core/request_reader.hpp"
#include "patterns/common/phase.hpp"
#include "patterns/fibers/epoll_scheduler.hpp"
#include "patterns/fibers/room.hpp"

namespace comet::fibers {

struct FiberThread;

struct OfThread;  // tag of the hook by which a connection is in its thread's list
using ConnectionHook = boost::intrusive::list_base_hook<boost::intrusive::tag<OfThread>>;

// What a connection costs besides its fiber's stack, and all that it costs while it hibernates.
struct Connection : Sleeper, Participant, ConnectionHook {
  // It is in its thread's list until it is destroyed.
  Connection(FiberThread& host, const Service& service, int accepted);
  ~Connection();

  // The client has sent something, and has not closed.
  bool has_input() const { return readable && !hung_up; }
  // Reads what is there, without waiting: bytes in the thread's buffer, good until the fiber waits; empty if
  // there is nothing. False: the client has closed, or is gone.
  bool receive(std::string_view& bytes);
  // The reader's next decision.
  Decision parse(std::string_view bytes);
  // Puts aside what the client sends while its request is held. False: it has left, or sent too much to keep.
  bool store_input();
  // Waits until something happens to this connection. False, with --hibernate: it waits without a fiber. The
  // caller returns to serve(), and serve() is called again when something has happened.
  bool wait();
  // Sends all. If the socket is full it waits, each time at most `patience`, or, if that is 0, until the
  // deadline that runs already. False: the client is gone, or does not read.
  bool send_all(std::string_view bytes, Milliseconds patience);
  // Reads and forgets until the client closes, at most for `patience`.
  void discard_input(Milliseconds patience);

  FiberThread& thread;
  RequestReader reader;
  const int socket;
  common::Phase phase = common::Phase::idle;  // idle, reading, held, refused or closed
  ReplyForm form;                             // of the answer to the held request, `missed` included
};

}  // namespace comet::fibers
