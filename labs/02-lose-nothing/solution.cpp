// Lab 2, lose nothing: lab 1's server, and a log for each channel.
// A subscriber says by a cursor what it has seen. It gets every message after that once, in order, whether it
// was held when the message came or not.
#include <unistd.h>

#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "labs/kit/kit.hpp"

namespace {

// One client. It belongs to its thread; no other thread touches it.
struct Connection {
  int socket;
  kit::RequestReader reader;
  bool is_open = true;
};

class Server {
 public:
  explicit Server(kit::Setup& setup) : setup_(setup) {}

  // Each client gets a thread that runs serve().
  void run() {
    while (true) {
      const int socket = kit::accept_client(setup_);
      try {
        std::thread([this, socket] { serve(socket); }).detach();
      } catch (const std::system_error&) {  // there are too many threads
        close(socket);
      }
    }
  }

 private:
  // All the requests of one client, one after the other.
  void serve(int socket) {
    Connection connection{socket, kit::RequestReader(setup_)};
    while (connection.is_open) {
      const auto request = kit::receive(socket, connection.reader);
      if (!request) break;
      handle(connection, *request);
    }
    close(socket);
  }

  void handle(Connection& connection, const kit::Request& request) {
    switch (request.what) {
      case kit::Request::What::subscribe:
        return subscribe(connection, request);
      case kit::Request::What::publish:
        return publish(connection, request);
      case kit::Request::What::reply:
        return respond(connection, request.reply);
    }
  }

  // Answers with the first message after request.since; without `since`, with the next that is published. If
  // there is none yet, sleeps until it comes. If request.hold is over before, the answer is
  // kit::nothing_new() with a cursor from which the client's next poll loses nothing and repeats nothing. A
  // cursor before log.begin() or after log.last() may miss messages: then the answer is the oldest retained
  // message, and a copy of request.form says it by `missed`. Cursor{} asks for the oldest and so misses
  // nothing.
  void subscribe(Connection& connection, const kit::Request& request) {
    // >>> student: look into the log; if nothing is there, register in held_ and sleep; answer
    // <<< starter
    //= respond(connection, kit::not_written(request));
    // === solution
    kit::ReplyForm form = request.form;
    std::optional<kit::Message> message;
    std::unique_lock lock(mutex_);
    const kit::Log& log = log_of(request.channel);
    kit::Cursor after = request.since.value_or(log.last());
    form.missed = after != kit::Cursor{} && (after < log.begin() || after > log.last());
    if (form.missed) after = kit::Cursor{};
    if (const kit::Message* found = log.first_after(after)) message = *found;
    const kit::Cursor last = log.last();
    if (!message) {
      const kit::Held counted(setup_);
      const auto place = held_.emplace(request.channel, &message);
      message_came_.wait_for(lock, request.hold, [&] { return message.has_value(); });
      if (!message) held_.erase(place);
    }
    lock.unlock();
    respond(connection, message ? kit::message(*message, form) : kit::nothing_new(last, form));
    // <<< end
  }

  // Appends to the channel's log, gives the message to every request that is held on the channel, and wakes
  // their threads. When the publisher has its answer, whoever polls sees the message.
  void publish(Connection& connection, const kit::Request& request) {
    // >>> student: append to log_of(request.channel), give the message to those in held_, wake, answer
    // <<< starter
    //= respond(connection, kit::not_written(request));
    // === solution
    std::unique_lock lock(mutex_);
    const kit::Message message = log_of(request.channel).append(request.body);
    const auto [first, last] = held_.equal_range(request.channel);
    for (auto held = first; held != last; ++held) *held->second = message;
    const std::size_t receivers = held_.erase(request.channel);
    lock.unlock();
    message_came_.notify_all();
    respond(connection, kit::published(message.cursor, receivers, request.form));
    // <<< end
  }

  // The log of a channel, which begins with the first request for it. The caller has mutex_.
  kit::Log& log_of(const std::string& channel) { return logs_.try_emplace(channel, setup_).first->second; }

  // Waits while the client does not read.
  static void respond(Connection& connection, const kit::Response& response) {
    connection.is_open = kit::send(connection.socket, response);
  }

  kit::Setup& setup_;
  kit::Mutex mutex_;  // guards all below, and the messages that held_ leads to
  kit::ConditionVariable message_came_;
  std::map<std::string, kit::Log> logs_;
  // By channel: where a message is put for a thread that sleeps.
  std::multimap<std::string, std::optional<kit::Message>*> held_;
};

}  // namespace

int main(int argc, char** argv) {
  kit::Setup setup(argc, argv);
  Server(setup).run();
}
