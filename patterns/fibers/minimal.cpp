// The minimal server with one fiber per connection, in one file. The full server starts in server.cpp.
// Model: one fiber per connection, straight-line code that seems to block. One more, the room, knows who is
//   held. Fibers share nothing: they put letters into each other's mailboxes.
// Owner of a connection: its fiber.
// Runs on: the one thread, each fiber until it waits. How a fiber waits for a socket: epoll_scheduler.hpp.
// Wakes a held request: a letter from the room in its mailbox.
//
// A poll gets only what is published while it is held. Left out, and where the full server has it: messages
// between two polls, cursors (room.cpp, core/channels.hpp); several threads (fiber_thread.cpp); publishes
// that block (publish.cpp); the drain (drain.cpp); silent or leaving clients (connection.cpp); limits, what
// to do if descriptors or memory run out (hardening/); less memory for a held request (footprint/).
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/fiber/buffered_channel.hpp>
#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <cerrno>
#include <optional>
#include <set>

#include "core/request_reader.hpp"
#include "patterns/common/minimal_start.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/fibers/epoll_scheduler.hpp"

namespace comet::minimal {
using namespace common;
using namespace fibers;

// From the room to a fiber.
struct Answer {
  std::optional<Message> message = {};  // to a held request; none: it has left the room
  Cursor cursor = {};
  std::size_t receivers = 0;  // to a publisher
};
using Mailbox = boost::fibers::buffered_channel<Answer>;

// From a fiber to the room.
struct Letter {
  enum { subscribe, publish, leave } kind;
  Mailbox* from;
  std::string channel;
  std::string body = {};
};

struct Connection {
  int socket;
  RequestReader reader;
  Sleeper sleeper;  // what the fiber waits by for the socket
  bool is_open = true;
  Mailbox mailbox{2};  // there is at most one letter in it
};

// Makes a call until it no longer fails with EAGAIN. Before each new try the fiber sleeps, and others run.
template <class Call>
auto retry(Sleeper& sleeper, bool& is_ready, Call call) {
  auto result = call();
  while (result < 0 && errno == EAGAIN) {
    for (is_ready = false; !is_ready;) sleeper.park();
    result = call();
  }
  return result;
}

class Server {
 public:
  explicit Server(const Options& options) : service_{options, [this] { return stats(); }} {}

  void run() {
    scheduler_->install();
    check(fcntl(listener_, F_SETFL, O_NONBLOCK), "fcntl");
    if (!scheduler_->watch(listener_, acceptor_)) fail("watching the listener", errno);
    boost::fibers::fiber([this] { run_room(); }).detach();
    announce_ready(listener_, service_.options);
    while (true) accept_connection();
  }

 private:
  // Step 1: accept. Each connection gets a fiber.
  void accept_connection() {
    const auto accept = [this] { return accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); };
    const int socket = retry(acceptor_, acceptor_.readable, accept);
    if (socket < 0) return boost::this_fiber::sleep_for(kAcceptPause);  // no descriptor is free, for instance
    boost::fibers::fiber([this, socket] { serve_connection(socket); }).detach();
  }

  void serve_connection(int socket) {
    Connection connection{socket, RequestReader(service_), Sleeper(*scheduler_)};
    connection.is_open = scheduler_->watch(socket, connection.sleeper);
    while (connection.is_open) read_request(connection);
    close(connection);
  }

  // Step 2: read. Sleeps until the next request is whole, unless it came together with the last one.
  void read_request(Connection& connection) {
    boost::this_fiber::yield();  // a client that always has more to say does not keep the thread
    Decision decision = connection.reader.next();
    while (std::holds_alternative<NeedsInput>(decision)) {
      char input[16384];
      const auto receive = [&] { return recv(connection.socket, input, sizeof input, 0); };
      const ssize_t size = retry(connection.sleeper, connection.sleeper.readable, receive);
      connection.is_open = size > 0;  // else the client has closed, or is gone
      if (!connection.is_open) return;
      decision = connection.reader.feed({input, static_cast<std::size_t>(size)});
    }
    handle(connection, decision);
  }

  // Step 3: decide.
  void handle(Connection& connection, const Decision& decision) {
    if (const auto* request = std::get_if<Subscribe>(&decision)) return subscribe(connection, *request);
    if (const auto* request = std::get_if<Publish>(&decision)) return publish(connection, *request);
    if (const auto* reply = std::get_if<Reply>(&decision)) return respond(connection, reply->response);
  }

  // Step 4: subscribe. There is no log to look into: every poll waits.
  void subscribe(Connection& connection, const Subscribe& request) { hold(connection, request); }

  // Step 5: publish. The room gives the message to each held request of the channel, and says to how many.
  void publish(Connection& connection, const Publish& request) {
    room_.push({Letter::publish, &connection.mailbox, request.channel, request.body});
    const Answer answer = connection.mailbox.value_pop();
    respond(connection, published_response(answer.cursor, answer.receivers, request.form));
  }

  // Step 6: hold. The fiber sleeps until a message comes. If its time is over before, it leaves the room. The
  // room answers that too, unless it has just sent a message: exactly one of the two comes.
  void hold(Connection& connection, const Subscribe& request) {
    Answer answer;
    room_.push({Letter::subscribe, &connection.mailbox, request.channel});
    const auto status = connection.mailbox.pop_wait_for(answer, request.hold);
    if (status == boost::fibers::channel_op_status::timeout) {
      room_.push({Letter::leave, &connection.mailbox, request.channel});
      answer = connection.mailbox.value_pop();
    }
    end_hold(connection, answer.message, answer.cursor, request.form);
  }

  // Step 7: end of a hold, by a message, or without one because its time is over.
  void end_hold(Connection& connection, const std::optional<Message>& message, Cursor last, ReplyForm form) {
    respond(connection, message ? message_response(*message, form) : no_content_response(last, form));
  }

  // Step 8: respond. Sleeps while the socket's buffer is full.
  void respond(Connection& connection, const Response& response) {
    std::string_view rest = *response.bytes;
    while (!rest.empty()) {
      const auto send_rest = [&] { return send(connection.socket, rest.data(), rest.size(), 0); };
      const ssize_t size = retry(connection.sleeper, connection.sleeper.writable, send_rest);
      if (size < 0) break;  // the client is gone
      rest.remove_prefix(static_cast<std::size_t>(size));
    }
    connection.is_open = rest.empty() && !response.close;
  }

  // Step 9: close.
  void close(Connection& connection) { ::close(connection.socket); }

  // The room takes one letter after another. Nobody else touches held_ and last_.
  void run_room() {
    while (true) {
      const Letter letter = room_.value_pop();
      const std::pair sender(letter.channel, letter.from);
      if (letter.kind == Letter::publish) send_to_all(letter);
      if (letter.kind == Letter::subscribe) held_.insert(sender);
      const bool leaves = letter.kind == Letter::leave && held_.erase(sender) > 0;
      if (leaves) letter.from->push({.cursor = last_});
    }
  }

  void send_to_all(const Letter& letter) {
    last_ = next_cursor(last_, unix_milliseconds());
    const Message message = make_message(last_, letter.body, service_.options.announced_idle_seconds());
    const std::size_t before = held_.size();
    auto held = held_.lower_bound({letter.channel, nullptr});
    for (; held != held_.end() && held->first == letter.channel; held = held_.erase(held))
      held->second->push({.message = message});
    letter.from->push({.cursor = last_, .receivers = before - held_.size()});
  }

  Stats stats() const { return {.pattern = "fibers-minimal", .pid = getpid(), .held = held_.size()}; }

  const Service service_;
  const int listener_ = open_minimal_listener(service_.options);
  const boost::intrusive_ptr<EpollScheduler> scheduler_{new EpollScheduler};
  Sleeper acceptor_{*scheduler_};
  boost::fibers::buffered_channel<Letter> room_{64};
  std::set<std::pair<std::string, Mailbox*>> held_;  // by channel
  Cursor last_;                                      // of the newest message
};

}  // namespace comet::minimal

int main(int argc, char** argv) {
  const auto options = comet::common::start_minimal(argc, argv, "comet-fibers-minimal");
  comet::minimal::Server(options).run();
}
