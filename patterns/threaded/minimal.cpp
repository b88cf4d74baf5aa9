// The minimal server with one thread per connection, in one file. The full server starts in server.cpp.
// Model: one thread per connection, straight-line code that blocks.
// Owner of a connection: its thread.
// Runs on: that thread; the main thread accepts connections.
// Wakes a held request: the publisher's thread, by the condition variable on which all held threads sleep.
//
// A poll gets only what is published while it is held. Left out, and where the full server has it: messages
// between two polls, cursors (server.cpp, core/channels.hpp); publishes that block (publish.cpp); the drain
// (drain.cpp); silent clients (server.cpp); clients that leave while held (client_watcher.cpp); limits, what
// to do if threads, descriptors or memory run out (hardening/); less memory for a held request (footprint/).
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "core/request_reader.hpp"
#include "patterns/common/minimal_start.hpp"
#include "patterns/common/startup.hpp"

namespace comet::minimal {
using namespace common;

struct Connection {
  int socket;
  RequestReader reader;
  bool is_open = true;
};

class Server {
 public:
  explicit Server(const Options& options) : service_{options, [this] { return stats(); }} {}

  void run() {
    announce_ready(listener_, service_.options);
    while (true) accept_connection();
  }

 private:
  // Step 1: accept. Each connection gets a thread.
  void accept_connection() {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return std::this_thread::sleep_for(kAcceptPause);  // no descriptor is free, for instance
    try {
      std::thread([this, socket] { serve_connection(socket); }).detach();
    } catch (const std::system_error&) {  // there are too many threads
      ::close(socket);
    }
  }

  void serve_connection(int socket) {
    Connection connection{socket, RequestReader(service_)};
    while (connection.is_open) read_request(connection);
    close(connection);
  }

  // Step 2: read. Sleeps until the next request is whole, unless it came together with the last one.
  void read_request(Connection& connection) {
    Decision decision = connection.reader.next();
    while (std::holds_alternative<NeedsInput>(decision)) {
      char input[16384];
      const ssize_t size = recv(connection.socket, input, sizeof input, 0);
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

  // Step 5: publish. Each held request of the channel gets the message, and one call wakes all.
  void publish(Connection& connection, const Publish& request) {
    std::unique_lock lock(mutex_);
    last_ = next_cursor(last_, unix_milliseconds());
    const Message message = make_message(last_, request.body, service_.options.announced_idle_seconds());
    const auto [first, last] = held_.equal_range(request.channel);
    for (auto held = first; held != last; ++held) *held->second = message;
    const std::size_t receivers = held_.erase(request.channel);
    lock.unlock();
    message_came_.notify_all();
    respond(connection, published_response(message.cursor, receivers, request.form));
  }

  // Step 6: hold. The thread sleeps. It says so, and falls asleep, under the one lock that a publisher needs:
  // no message comes between the two.
  void hold(Connection& connection, const Subscribe& request) {
    std::optional<Message> message;
    std::unique_lock lock(mutex_);
    const Cursor last = last_;
    const auto place = held_.emplace(request.channel, &message);
    message_came_.wait_for(lock, request.hold, [&] { return message.has_value(); });
    if (!message) held_.erase(place);
    lock.unlock();
    end_hold(connection, message, last, request.form);
  }

  // Step 7: end of a hold, by a message, or without one because its time is over.
  void end_hold(Connection& connection, const std::optional<Message>& message, Cursor last, ReplyForm form) {
    respond(connection, message ? message_response(*message, form) : no_content_response(last, form));
  }

  // Step 8: respond. Sleeps while the socket's buffer is full.
  void respond(Connection& connection, const Response& response) {
    std::string_view rest = *response.bytes;
    while (!rest.empty()) {
      const ssize_t size = send(connection.socket, rest.data(), rest.size(), 0);
      if (size < 0) break;  // the client is gone
      rest.remove_prefix(static_cast<std::size_t>(size));
    }
    connection.is_open = rest.empty() && !response.close;
  }

  // Step 9: close.
  void close(Connection& connection) { ::close(connection.socket); }

  Stats stats() {
    const std::lock_guard lock(mutex_);
    return {.pattern = "threaded-minimal", .pid = getpid(), .held = held_.size()};
  }

  const Service service_;
  const int listener_ = open_minimal_listener(service_.options);

  std::mutex mutex_;  // guards all below, and the messages that held_ leads to
  std::condition_variable message_came_;
  // By channel: where a message is put for its thread.
  std::multimap<std::string, std::optional<Message>*> held_;
  Cursor last_;  // of the newest message
};

}  // namespace comet::minimal

int main(int argc, char** argv) {
  const auto options = comet::common::start_minimal(argc, argv, "comet-threaded-minimal");
  comet::minimal::Server(options).run();
}
