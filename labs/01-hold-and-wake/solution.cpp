// Lab 1, hold and wake: a long-poll server with one thread per connection.
// A subscriber's thread sleeps until a publisher's thread wakes it with a message. Nothing is kept: a message
// reaches whoever is held when it is published.
#include <unistd.h>

#include <map>
#include <mutex>
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
    // >>> student: for every client that kit::accept_client() returns, start a thread that serves it
    // <<< starter
    //= while (true) serve(kit::accept_client(setup_));  // one client after the other
    // === solution
    while (true) {
      const int socket = kit::accept_client(setup_);
      try {
        std::thread([this, socket] { serve(socket); }).detach();
      } catch (const std::system_error&) {  // there are too many threads
        close(socket);
      }
    }
    // <<< end
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

  // Sleeps until a message is published to the channel, and answers with kit::message(). If none comes within
  // request.hold, the answer is kit::nothing_new(), with the cursor of the newest message when the wait
  // began.
  void subscribe(Connection& connection, const kit::Request& request) {
    // >>> student: register in held_, sleep until a message is there or request.hold is over, answer
    // <<< starter
    //= respond(connection, kit::not_written(request));
    // === solution
    std::optional<kit::Message> message;
    std::unique_lock lock(mutex_);
    const kit::Cursor last = last_;
    const auto place = held_.emplace(request.channel, &message);
    {
      const kit::Held counted(setup_);
      message_came_.wait_for(lock, request.hold, [&] { return message.has_value(); });
    }
    if (!message) held_.erase(place);
    lock.unlock();
    respond(connection,
            message ? kit::message(*message, request.form) : kit::nothing_new(last, request.form));
    // <<< end
  }

  // Gives the message to every request that is held on the channel, and wakes their threads. The answer says
  // how many.
  void publish(Connection& connection, const kit::Request& request) {
    // >>> student: make the message, give it to those in held_, wake, answer with kit::published()
    // <<< starter
    //= respond(connection, kit::not_written(request));
    // === solution
    std::unique_lock lock(mutex_);
    const kit::Message message = kit::make_message(last_, request.body, setup_);
    last_ = message.cursor;
    const auto [first, last] = held_.equal_range(request.channel);
    for (auto held = first; held != last; ++held) *held->second = message;
    const std::size_t receivers = held_.erase(request.channel);
    lock.unlock();
    message_came_.notify_all();
    respond(connection, kit::published(message.cursor, receivers, request.form));
    // <<< end
  }

  // Waits while the client does not read.
  static void respond(Connection& connection, const kit::Response& response) {
    connection.is_open = kit::send(connection.socket, response);
  }

  kit::Setup& setup_;
  kit::Mutex mutex_;  // guards all below, and the messages that held_ leads to
  kit::ConditionVariable message_came_;
  // By channel: where a message is put for a thread that sleeps.
  std::multimap<std::string, std::optional<kit::Message>*> held_;
  kit::Cursor last_ = setup_.started;  // of the newest message
};

}  // namespace

int main(int argc, char** argv) {
  kit::Setup setup(argc, argv);
  Server(setup).run();
}
