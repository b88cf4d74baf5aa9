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
    // >>> student: watch the listener and the signals. Sleep in epoll_wait(), handle the events, end the holds
    // that are over, go on with those in answered_, destroy those in closed_, begin again
    // <<< starter
    //= kit::serve_not_written(setup_);
    // === solution
    kit::check(fcntl(setup_.listener(), F_SETFL, O_NONBLOCK), "making the listener non-blocking");
    watch(setup_.listener(), kListener, EPOLLIN | EPOLLET);
    watch(signals_.emplace().descriptor(), kSignals, EPOLLIN);
    while (!is_draining_ || !connections_.empty()) {
      std::array<epoll_event, 256> events;
      const int count = epoll_wait(epoll_, events.data(), events.size(), milliseconds_to_sleep());
      if (count < 0 && errno != EINTR) kit::check(count, "epoll_wait");
      for (int i = 0; i < count; ++i) handle_event(events[static_cast<std::size_t>(i)]);
      end_holds_that_are_over();
      for (std::size_t i = 0; i < answered_.size(); ++i) handle_requests(*answered_[i]);
      answered_.clear();
      for (const std::uint64_t number : closed_) connections_.erase(number);
      if (!closed_.empty()) accept_connections();  // there may have been no descriptor for some
      closed_.clear();
    }
    // <<< end
  }

 private:
  // >>> student: what run() calls: accept who comes, read what comes, write on where the socket was full
  // <<< starter
  // === solution
  void watch(int descriptor, std::uint64_t number, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.u64 = number;
    kit::check(epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
  }

  // Until the first hold is over, at most a minute; -1: no request is held.
  int milliseconds_to_sleep() const {
    if (deadlines_.empty()) return -1;
    const auto left = std::chrono::ceil<kit::Milliseconds>(deadlines_.begin()->first - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  void handle_event(const epoll_event& event) {
    if (event.data.u64 == kListener) return accept_connections();
    if (event.data.u64 == kSignals) return drain();
    Connection& connection = connections_.at(event.data.u64);
    if (connection.state == State::closed) return;                       // earlier in this round
    if (event.events & (EPOLLERR | EPOLLHUP)) return close(connection);  // the client has reset it
    if (connection.state == State::writing) write(connection);
    handle_requests(connection);  // those that came before the answer was sent
    read(connection);
  }

  // All that have come. If no descriptor is free, the rest wait until a connection has been closed.
  void accept_connections() {
    while (!is_draining_) {
      const int socket = accept4(setup_.listener(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
      if (socket < 0) return;
      const std::uint64_t number = next_number_++;
      connections_.try_emplace(number, number, socket, setup_);
      watch(socket, number, EPOLLIN | EPOLLOUT | EPOLLET);
    }
  }

  // Edge-triggered epoll tells of what has come only once: this reads until nothing is left. Nothing is read
  // while an answer is written: whoever does not read answers gets no further ones.
  void read(Connection& connection) {
    while (connection.state == State::reading || connection.state == State::held) {
      const ssize_t size = recv(connection.socket, input_.data(), input_.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return;
      if (size <= 0) return close(connection);
      if (!connection.reader.store({input_.data(), static_cast<std::size_t>(size)})) return close(connection);
      handle_requests(connection);
    }
  }
  // <<< end

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
    // >>> student: fill in what stands under "While held", put the connection into both lists
    // <<< starter
    //= respond(connection, kit::not_written(request));
    // === solution
    connection.state = State::held;
    connection.channel = &channel;
    connection.place = channel.waiting.insert(channel.waiting.end(), &connection);
    connection.deadline = deadlines_.emplace(Clock::now() + request.hold, &connection);
    connection.form = form;
    connection.counted.emplace(setup_);
    // <<< end
  }

  // Answers everybody who is held on the channel, here and now. What a client has sent behind its request has
  // to wait until run() comes to answered_: it may subscribe or publish, and so change the list.
  void publish(Connection& publisher, const kit::Request& request) {
    Channel& channel = channels_.try_emplace(request.channel, setup_).first->second;
    const kit::Message& message = channel.log.append(request.body);
    std::size_t receivers = 0;
    // >>> student: end each hold, answer it, remember the connection in answered_
    // <<< starter
    // === solution
    for (; !channel.waiting.empty(); ++receivers) {
      Connection& woken = *channel.waiting.front();
      end_hold(woken);
      respond(woken, kit::message(message, woken.form));
      answered_.push_back(&woken);
    }
    // <<< end
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
    // >>> student: send() until EAGAIN, an error or the end; then close if the answer says so, else be reading
    // <<< starter
    //= (void)connection;
    // === solution
    const std::string& bytes = *connection.answer.bytes;
    while (connection.sent < bytes.size()) {
      const ssize_t size = send(connection.socket, bytes.data() + connection.sent,
                                bytes.size() - connection.sent, MSG_NOSIGNAL);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return;
      if (size < 0) return close(connection);
      connection.sent += static_cast<std::size_t>(size);
    }
    if (connection.answer.close || is_draining_) return close(connection);
    connection.answer = {};  // a message's bytes are shared: whoever lets go of them last frees them
    connection.state = State::reading;
    // <<< end
  }

  // >>> student: the ends: end_hold() undoes what subscribe() did; holds that are over; close(); drain()
  // <<< starter
  // === solution
  void end_hold(Connection& connection) {
    connection.state = State::reading;
    connection.channel->waiting.erase(connection.place);
    deadlines_.erase(connection.deadline);
    connection.counted.reset();
  }

  void end_holds_that_are_over() {
    while (!deadlines_.empty() && deadlines_.begin()->first <= Clock::now()) {
      Connection& connection = *deadlines_.begin()->second;
      end_hold(connection);
      respond(connection, kit::nothing_new(connection.channel->log.last(), connection.form));
      answered_.push_back(&connection);
    }
  }

  // Callers may still look at the connection, and events of this round may still name it: run() destroys it
  // at the end of the round.
  void close(Connection& connection) {
    if (connection.state == State::held) end_hold(connection);
    connection.state = State::closed;
    ::close(connection.socket);  // it cannot fail in a way that matters: nothing is unsaved
    closed_.push_back(connection.number);
  }

  // Held requests are refused, answers that are being written have 4 s to be finished.
  void drain() {
    signals_->restore();
    kit::check(std::signal(SIGALRM, [](int) { _exit(0); }) == SIG_ERR ? -1 : 0, "setting a signal's handler");
    alarm(4);
    is_draining_ = true;
    ::close(setup_.listener());
    const std::uint64_t held = setup_.counters.held;
    std::uint64_t turn = 0;
    for (auto& [number, connection] : connections_) {
      if (connection.state == State::reading) close(connection);
      if (connection.state != State::held) continue;
      end_hold(connection);
      respond(connection, kit::shutting_down(turn++, held, connection.form));
    }
  }
  // <<< end

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
