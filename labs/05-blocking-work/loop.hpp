// The loop that lab 5 gives you: one thread for all clients, which sleeps in poll(). It does everything but
// publish. Nothing in it is locked, so nothing of it may be called on another thread.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "labs/kit/kit.hpp"

namespace lab5 {

using Clock = std::chrono::steady_clock;

enum class State {
  reading,  // no request is there that could be answered
  held,
  working,  // its publish is not answered yet
  writing,  // the socket has not taken all of the answer yet
  closed,   // destroyed at the end of the round
};

struct Connection {
  Connection(std::uint64_t its_number, int its_socket, const kit::Setup& setup)
      : number(its_number), socket(its_socket), reader(setup) {}

  const std::uint64_t number;  // no other connection ever gets it. The number of a socket is used again
  const int socket;
  kit::RequestReader reader;
  State state = State::reading;

  // While held.
  std::string channel;
  Clock::time_point deadline;
  kit::ReplyForm form;
  std::optional<kit::Held> counted;

  // While writing.
  kit::Response answer;
  std::size_t sent = 0;  // bytes of the answer that the socket has taken
};

class Loop {
 public:
  explicit Loop(kit::Setup& setup) : setup_(setup) {
    kit::check(fcntl(setup.listener(), F_SETFL, O_NONBLOCK), "making the listener non-blocking");
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop() = default;

  // Serves until the process ends. `descriptor` is watched beside the clients' sockets.
  [[noreturn]] void run(int descriptor) {
    while (true) {
      std::vector<pollfd> watched{{is_full_ ? -1 : setup_.listener(), POLLIN, 0}, {descriptor, POLLIN, 0}};
      for (const auto& [number, connection] : connections_)
        watched.push_back({connection.socket, events_for(connection), 0});
      const int count = poll(watched.data(), watched.size(), milliseconds_to_sleep());
      if (count < 0 && errno != EINTR) kit::check(count, "poll");
      if (count > 0) {
        auto event = watched.begin() + 2;
        for (auto& [number, connection] : connections_) handle_event(connection, (event++)->revents);
        if (watched[1].revents != 0) descriptor_is_readable();
        if (watched[0].revents != 0) accept_connection();
      }
      end_holds_that_are_over();
      for (auto& [number, connection] : connections_) handle_requests(connection);
      const auto is_closed = [](const auto& entry) { return entry.second.state == State::closed; };
      if (std::erase_if(connections_, is_closed) > 0) is_full_ = false;
    }
  }

 protected:
  // What you write. A publish has come: when its work is done, append() it and respond(). Until then the loop
  // reads nothing more from this client. But if the client resets the connection, it is closed and destroyed.
  virtual void publish(Connection& connection, const kit::Request& request) = 0;
  // The descriptor that run() was given is readable.
  virtual void descriptor_is_readable() = 0;

  // The connection of that number; null if it is closed.
  Connection* find(std::uint64_t number) {
    const auto found = connections_.find(number);
    return found == connections_.end() || found->second.state == State::closed ? nullptr : &found->second;
  }

  // Appends the message to its channel's log and answers everybody who is held there. What it returns is the
  // publisher's answer.
  kit::Response append(const kit::Request& request) {
    const kit::Message& message = log_of(request.channel).append(request.body);
    std::size_t receivers = 0;
    for (auto& [number, connection] : connections_) {
      if (connection.state != State::held || connection.channel != request.channel) continue;
      end_hold(connection, kit::message(message, connection.form));
      ++receivers;
    }
    return kit::published(message.cursor, receivers, request.form);
  }

  void respond(Connection& connection, const kit::Response& answer) {
    connection.answer = answer;
    connection.sent = 0;
    connection.state = State::writing;
    write(connection);
  }

  kit::Setup& setup_;

 private:
  // While a publish works, or an answer is written, nothing is read. A reset is reported in any case.
  static short events_for(const Connection& connection) {
    if (connection.state == State::writing) return POLLOUT;
    return connection.state == State::working ? 0 : POLLIN;
  }

  // Until the first hold is over, or a minute if that is shorter; -1: no request is held.
  int milliseconds_to_sleep() const {
    auto first = Clock::time_point::max();
    for (const auto& [number, connection] : connections_)
      if (connection.state == State::held) first = std::min(first, connection.deadline);
    if (first == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<kit::Milliseconds>(first - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  // One; if there are more, poll() says so again. If no descriptor is free they wait until a connection ends.
  void accept_connection() {
    const int socket = accept4(setup_.listener(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) connections_.try_emplace(next_number_, next_number_, socket, setup_), ++next_number_;
    is_full_ = socket < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM);
  }

  void handle_event(Connection& connection, short events) {
    if (events == 0 || connection.state == State::closed) return;
    if (events & (POLLERR | POLLHUP)) return close(connection);
    if (connection.state == State::writing) return write(connection);
    read(connection);
  }

  void read(Connection& connection) {
    char input[4096];
    const ssize_t size = recv(connection.socket, input, sizeof input, 0);
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (size <= 0 || !connection.reader.store({input, static_cast<std::size_t>(size)})) close(connection);
  }

  // Answers one request after the other, until one has to wait.
  void handle_requests(Connection& connection) {
    while (connection.state == State::reading) {
      const auto request = connection.reader.next();
      if (!request) return;
      if (request->what == kit::Request::What::subscribe) subscribe(connection, *request);
      if (request->what == kit::Request::What::reply) respond(connection, request->reply);
      if (request->what == kit::Request::What::publish) {
        connection.state = State::working;
        publish(connection, *request);
      }
    }
  }

  void subscribe(Connection& connection, const kit::Request& request) {
    const kit::Log& log = log_of(request.channel);
    const auto [after, missed] =
        kit::resume_point(request.since.value_or(log.last()), log.begin(), log.last());
    connection.form = request.form;
    connection.form.missed = missed;
    if (const kit::Message* message = log.first_after(after))
      return respond(connection, kit::message(*message, connection.form));
    connection.state = State::held;
    connection.channel = request.channel;
    connection.deadline = Clock::now() + request.hold;
    connection.counted.emplace(setup_);
  }

  void end_hold(Connection& connection, const kit::Response& answer) {
    connection.counted.reset();
    respond(connection, answer);
  }

  void end_holds_that_are_over() {
    for (auto& [number, connection] : connections_) {
      if (connection.state != State::held || connection.deadline > Clock::now()) continue;
      end_hold(connection, kit::nothing_new(log_of(connection.channel).last(), connection.form));
    }
  }

  void write(Connection& connection) {
    const std::string& bytes = *connection.answer.bytes;
    while (connection.sent < bytes.size()) {
      const ssize_t size = send(connection.socket, bytes.data() + connection.sent,
                                bytes.size() - connection.sent, MSG_NOSIGNAL);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0 && errno == EAGAIN) return;
      if (size < 0) return close(connection);
      connection.sent += static_cast<std::size_t>(size);
    }
    if (connection.answer.close) return close(connection);
    connection.answer = {};
    connection.state = State::reading;
  }

  void close(Connection& connection) {
    connection.counted.reset();
    connection.state = State::closed;
    ::close(connection.socket);  // it cannot fail in a way that matters: nothing is unsaved
  }

  kit::Log& log_of(const std::string& channel) { return logs_.try_emplace(channel, setup_).first->second; }

  std::unordered_map<std::uint64_t, Connection> connections_;  // by number
  std::uint64_t next_number_ = 0;
  std::map<std::string, kit::Log> logs_;  // by channel
  bool is_full_ = false;                  // no descriptor is free for one more connection
};

}  // namespace lab5
