// The loop that lab 5 gives you: one thread for all clients, which sleeps in poll(). It does everything but publish.
// Nothing in it is locked, so nothing of it may be called on another thread.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "labs/kit/kit.hpp"

namespace lab5 {

using Clock = std::chrono::steady_clock;

struct Connection {
  enum class State {
    reading,  // no request is there that could be answered
    held,
    working,  // a publish has been begun and is not answered yet
    writing,  // the socket has not taken all of the answer yet
    closed,
  };

  Connection(std::uint64_t its_number, int its_socket, const kit::Setup& setup)
      : number(its_number), socket(its_socket), reader(setup) {}

  const std::uint64_t number;  // no other connection ever gets it. The number of a socket is used again
  const int socket;
  kit::RequestReader reader;
  State state = State::reading;
  std::string channel;  // of the held request, as the two below
  Clock::time_point deadline;
  kit::ReplyForm form;
  std::optional<kit::Held> counted;
  kit::Response answer;  // that is written
  std::size_t sent = 0;  // bytes of it that the socket has taken
};

class Loop {
 public:
  explicit Loop(kit::Setup& setup) : setup_(setup) {}
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop() = default;

  // Serves until the process ends. `descriptor` is one more to watch, beside the clients' sockets.
  [[noreturn]] void run(int descriptor);

 protected:
  // What you write. A publish has come: whenever it is done, append() it and respond(). Until then the loop reads
  // nothing more from this client; but if the client resets the connection, the connection is closed and destroyed.
  virtual void publish(Connection& connection, const kit::Request& request) = 0;
  // The descriptor that run() was given is readable.
  virtual void descriptor_is_readable() = 0;

  // The connection of that number; null if it is closed.
  Connection* find(std::uint64_t number);
  // Appends the message to its channel's log and answers everybody who is held there. Returns the publisher's answer.
  kit::Response append(const kit::Request& request);
  void respond(Connection& connection, const kit::Response& answer);

  kit::Setup& setup_;

 private:
  int milliseconds_to_sleep() const;
  void accept_connection();
  void handle_event(Connection& connection, short events);
  void read(Connection& connection);
  void handle_requests(Connection& connection);
  void subscribe(Connection& connection, const kit::Request& request);
  void end_hold(Connection& connection, const kit::Response& answer);
  void end_holds_that_are_over();
  void write(Connection& connection);
  void close(Connection& connection);
  kit::Log& log_of(const std::string& channel) { return logs_.try_emplace(channel, setup_).first->second; }

  std::unordered_map<std::uint64_t, Connection> connections_;  // by number
  std::uint64_t next_number_ = 0;
  std::map<std::string, kit::Log> logs_;  // by channel
};

}  // namespace lab5
