// Lab 8, fibers: a long-poll server with one fiber per connection, all on one thread.
// A fiber's code looks as if it blocked. Where it would, it parks, and the thread runs another fiber. Nothing is kept:
// a message reaches whoever is held when it is published.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <deque>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "labs/08-fibers/context.hpp"
#include "labs/08-fibers/sockets.hpp"
#include "labs/kit/kit.hpp"
#include "patterns/common/minimal_start.hpp"

namespace {

using comet::common::check;  // ends the process with one line if a call has failed
using lab::Clock;

constexpr std::size_t kPage = 4096;
constexpr std::size_t kStackSize = 65536;  // addresses; memory is only what was touched of them
constexpr Clock::time_point kNever = Clock::time_point::max();
constexpr std::chrono::milliseconds kAcceptPause{100};

// The lowest byte of new memory for a stack of kStackSize bytes, or null if there is none. Nobody may touch the page
// below it: a call that is too deep ends the process there.
char* make_stack() {
  // TO WRITE: map the stack and one page more, with mmap(); forbid the lowest page, with mprotect(); check both
  return nullptr;
}

// Gives back what make_stack() has mapped.
[[maybe_unused]] void free_stack(char* stack) {
  // TO WRITE: unmap it
  (void)stack;
}

struct Fiber {
  lab::Context context;  // its place in the code
  char* stack;
  bool is_parked = false;
  lab::SocketState socket = {};  // of the socket that it watches
};

// Which fiber runs next, and where the thread sleeps.
class Scheduler {
 public:
  // The fiber that runs now.
  Fiber& self() { return *running_; }

  // A new fiber: it runs `body` once its turn comes. False if there is no memory for its stack.
  template <class Body>
  bool spawn(Body body) {
    char* const stack = make_stack();
    if (stack == nullptr) return false;
    // TO WRITE: make a Fiber with this stack, prepare its context, put it at the end of the queue
    (void)body;
    return false;
  }

  // The running fiber sleeps until wake(), at the latest until `end`. Whatever has woken it, it must look itself.
  void park(Clock::time_point end = kNever) {
    // TO WRITE: remember the time, if there is one, and suspend the running fiber's context
    (void)end;
  }

  // The fiber, if it is parked, gets a turn.
  void wake(Fiber& fiber) {
    // TO WRITE: put it at the end of the queue. It must be there only once, however often it is woken
    (void)fiber;
  }

  // The others that are ready run first.
  void give_way() {
    // TO WRITE: put the running fiber at the end of the queue, and suspend it
  }

  // The thread's loop: takes events, then gives each fiber of the queue a turn. Frees a fiber that has ended: only
  // here is the thread on its own stack for certain.
  void run() {
    // TO WRITE: the loop. A fiber that gives way over and over must not keep the loop from the events
  }

  // From now on each event of the socket wakes the running fiber. False if there is no memory for that.
  bool watch(int socket) { return lab::watch(epoll_, socket, running_); }

 private:
  // Wakes every fiber that has an event, or whose time is over. Sleeps until then only if no fiber is ready.
  void take_events() {
    // TO WRITE: epoll_wait() with a time limit, socket.add() and wake() for each event; then look at the times
  }

  const int epoll_ = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  Fiber* running_ = nullptr;
  std::deque<Fiber*> ready_;                         // the next one first
  std::multimap<Clock::time_point, Fiber*> timers_;  // of fibers that are parked, or just woken
};

// A held request. It lies on the stack of its fiber.
struct Waiter {
  Fiber& fiber;
  std::optional<kit::Message> message = {};  // put here by the publisher
};

class Server {
 public:
  explicit Server(kit::Setup& setup) : setup_(setup) {}

  void run() {
    // TO WRITE: start a fiber that runs accept_all(), then the scheduler
    while (true) {  // until there is a scheduler: one request of one client after the other
      const int socket = kit::accept_client(setup_);
      kit::RequestReader reader(setup_);
      if (const auto request = kit::receive(socket, reader)) {
        const bool is_reply = request->what == kit::Request::What::reply;
        kit::send(socket, is_reply ? request->reply : kit::not_written(*request));
      }
      close(socket);
    }
  }

 private:
  // Each connection gets a fiber.
  void accept_all() {
    check(fcntl(setup_.listener(), F_SETFL, O_NONBLOCK), "fcntl");
    check(scheduler_.watch(setup_.listener()) ? 0 : -1, "watching the listener");
    while (true) {
      const int socket = lab::accept_client(scheduler_, setup_);
      if (socket >= 0 && scheduler_.spawn([this, socket] { serve(socket); })) continue;
      if (socket >= 0) close(socket);
      scheduler_.park(Clock::now() + kAcceptPause);  // no descriptor or no memory is free, for instance
    }
  }

  // All the requests of one client, one after the other.
  void serve(int socket) {
    kit::RequestReader reader(setup_);
    bool is_open = scheduler_.watch(socket);
    while (is_open) {
      scheduler_.give_way();  // a client that always has more to say does not keep the thread
      const auto request = lab::receive(scheduler_, socket, reader);
      is_open = request && handle(socket, *request);
    }
    close(socket);
  }

  // False: the connection is to be closed. So it is with the functions below.
  bool handle(int socket, const kit::Request& request) {
    if (request.what == kit::Request::What::subscribe) return subscribe(socket, request);
    if (request.what == kit::Request::What::publish) return publish(socket, request);
    return respond(socket, request.reply);
  }

  // Waits until a message is there, or request.hold is over, or the client has hung up: then it gets no answer.
  bool subscribe(int socket, const kit::Request& request) {
    const kit::Held counted(setup_);
    [[maybe_unused]] const auto end = Clock::now() + request.hold;
    Waiter waiter{scheduler_.self()};
    const auto place = waiters_.emplace(request.channel, &waiter);
    scheduler_.give_way();  // if a publisher is ready just now, nothing has to wait
    // TO WRITE: park until one of the three is so, leave waiters_ unless the publisher has taken you out, answer
    waiters_.erase(place);
    return respond(socket, kit::not_written(request));
  }

  // Gives the message to each waiter of the channel. The answer says how many.
  bool publish(int socket, const kit::Request& request) {
    // These two are for the tests: they may stop the thread here, or make a call that is too deep for this stack.
    kit::pause_point("publish");
    scheduler_.self().context.call_too_deep_if(request.channel);
    // TO WRITE: make the message, put it where waiters_ says, wake the fibers, empty the list, answer
    return respond(socket, kit::not_written(request));
  }

  // Waits while the client does not read.
  bool respond(int socket, const kit::Response& response) { return lab::send(scheduler_, socket, response); }

  kit::Setup& setup_;
  Scheduler scheduler_;
  std::multimap<std::string, Waiter*> waiters_;  // by channel
  kit::Cursor last_ = setup_.started;            // of the newest message
};

}  // namespace

int main(int argc, char** argv) {
  kit::Setup setup(argc, argv);
  Server(setup).run();
}
