// Lab 4, one loop: a long-poll server of one thread.
// It sleeps in one place only, epoll_wait(), for all clients at once, and then serves those that have news. A
// held request is a struct in its channel's list. Nothing is locked: nobody else runs.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "labs/kit/kit.hpp"

namespace {

using Clock = std::chrono::steady_clock;

struct Connection;
using Waiting = std::list<Connection*>;
using Deadlines = std::multimap<Clock::time_point, Connection*>;  // when holds are over, the first one first

struct Channel {
  explicit Channel(const kit::Setup& setup) : log(setup) {}

  kit::Log log;
  Waiting waiting;  // those whose request is held, the oldest first
};

enum class State {
  reading,  // no request is there that could be answered
  held,
  writing,  // the socket has not taken all of the answer yet
  closed,   // destroyed at the end of the round
};

// What a thread would know by the place in its code stands here.
struct Connection {
  Connection(std::uint64_t its_number, int its_socket, const kit::Setup& setup)
      : number(its_number), socket(its_socket), reader(setup) {}

  const std::uint64_t number;  // no other connection ever gets it. The number of a socket is used again
  const int socket;
  kit::RequestReader reader;
  State state = State::reading;

  // While held.
  Channel* channel = nullptr;
  Waiting::iterator place;  // in channel->waiting
  Deadlines::iterator deadline;
  kit::ReplyForm form;
  std::optional<kit::Held> counted;

  // While writing.
  kit::Response answer;
  std::size_t sent = 0;  // bytes of the answer that the socket has taken
};

class Server {
 public:
  explicit Server(kit::Setup& setup) : setup_(setup) {}

  // Until a signal has asked the server to end, and no connection is left.
  void run() {
    // TO WRITE: watch the listener and the signals. Sleep in epoll_wait(), handle the events, end the holds
    // that are over, go on with those in answered_, destroy those in closed_, begin again
    kit::serve_not_written(setup_);
  }

 private:
  // TO WRITE: what run() calls: accept who comes, read what comes, write on where the socket was full

  // Answers one request after the other, until one is held or the socket is full.
  void handle_requests(Connection& connection) {
    while (connection.state == State::reading) {
      const auto request = connection.reader.next();
      if (!request) return;
      if (request->what == kit::Request::What::subscribe) subscribe(connection, *request);
      if (request->what == kit::Request::What::publish) publish(connection, *request);
      if (request->what == kit::Request::What::reply) respond(connection, request->reply);
    }
  }

  // Answers from the log, or holds the request. To hold is to write down what is needed later, and to return.
  void subscribe(Connection& connection, const kit::Request& request) {
    Channel& channel = channels_.try_emplace(request.channel, setup_).first->second;
    const auto [after, missed] = kit::resume_point(request.since.value_or(channel.log.last()),
                                                   channel.log.begin(), channel.log.last());
    kit::ReplyForm form = request.form;
    form.missed = missed;
    if (const kit::Message* message = channel.log.first_after(after))
      return respond(connection, kit::message(*message, form));
    // TO WRITE: fill in what stands under "While held", put the connection into both lists
    respond(connection, kit::not_written(request));
  }

  // Answers everybody who is held on the channel, here and now. What a client has sent behind its request has
  // to wait until run() comes to answered_: it may subscribe or publish, and so change the list.
  void publish(Connection& publisher, const kit::Request& request) {
    Channel& channel = channels_.try_emplace(request.channel, setup_).first->second;
    const kit::Message& message = channel.log.append(request.body);
    std::size_t receivers = 0;
    // TO WRITE: end each hold, answer it, remember the connection in answered_
    respond(publisher, kit::published(message.cursor, receivers, request.form));
  }

  void respond(Connection& connection, const kit::Response& answer) {
    connection.answer = answer;
    connection.sent = 0;
    connection.state = State::writing;
    write(connection);
  }

  // Goes on where the last call has stopped. If the socket is full, epoll tells when it has room again.
  void write(Connection& connection) {
    // TO WRITE: send() until EAGAIN, an error or the end; then close if the answer says so, else be reading
    (void)connection;
  }

  // TO WRITE: the ends: end_hold() undoes what subscribe() did; holds that are over; close(); drain()

  // What epoll gives back with an event: one of these two, or the number of a connection.
  static constexpr std::uint64_t kListener = 0, kSignals = 1;

  kit::Setup& setup_;
  std::optional<kit::StopSignals> signals_;  // once it is made, a signal only makes its descriptor readable
  const int epoll_ = kit::check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  std::uint64_t next_number_ = kSignals + 1;
  std::unordered_map<std::uint64_t, Connection> connections_;  // by number
  std::map<std::string, Channel> channels_;                    // by name
  Deadlines deadlines_;
  std::vector<Connection*> answered_;  // in this round: the next request of these may have come already
  std::vector<std::uint64_t> closed_;  // in this round
  bool is_draining_ = false;
  std::array<char, 4096> input_;  // read into, and used up before the next read
};

}  // namespace

int main(int argc, char** argv) {
  kit::Setup setup(argc, argv);
  Server(setup).run();
}
