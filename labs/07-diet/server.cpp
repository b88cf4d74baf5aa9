// Lab 7, a diet: lab 1's server with one thread per connection, in less memory for each held request.
// The server works as it is; the marked parts are where its memory goes.
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
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

  void run() {
    while (true) {
      const int socket = kit::accept_client(setup_);
      if (!start_thread(socket)) close(socket);  // there are too many threads
    }
  }

 private:
  // False: the system allows no more threads.
  bool start_thread(int socket) {
    // TO WRITE: a stack of 8 MiB of addresses is not memory, but it has a page table of its own in the kernel
    try {
      std::thread([this, socket] { serve(socket); }).detach();
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  struct Client {
    Server* server;
    int socket;
  };
  // What such a thread runs; `client` is a Client that it owns.
  static void* begin(void* client) {
    const std::unique_ptr<Client> own(static_cast<Client*>(client));
    own->server->serve(own->socket);
    return nullptr;
  }

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

  // Sleeps until a message is published to the channel, or until the time is over.
  void subscribe(Connection& connection, const kit::Request& request) {
    give_back(connection);
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
  }

  // Called before the thread sleeps, perhaps for long. Gives back memory that it does not need while it sleeps. The
  // connection is needed: its reader has what the client has sent early.
  [[gnu::noinline]] static void give_back([[maybe_unused]] Connection& connection) {
    // TO WRITE: kit::receive() and the parser have touched many pages of this stack, deeper than where you are now
  }

  // Gives the message to every request that is held on the channel, and wakes their threads.
  void publish(Connection& connection, const kit::Request& request) {
    std::unique_lock lock(mutex_);
    const kit::Message message = kit::make_message(last_, request.body, setup_);
    last_ = message.cursor;
    const auto [first, last] = held_.equal_range(request.channel);
    for (auto held = first; held != last; ++held) *held->second = message;
    const std::size_t receivers = held_.erase(request.channel);
    lock.unlock();
    message_came_.notify_all();
    respond(connection, kit::published(message.cursor, receivers, request.form));
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

// The C library reads its settings from the environment, but only when a program starts. So this one sets them, and
// starts itself once more.
void choose_settings([[maybe_unused]] char** arguments) {
  // TO WRITE: on each stack there is room for libraries to come, and for each thread a cache of freed memory
}

}  // namespace

int main(int argc, char** argv) {
  choose_settings(argv);
  kit::Setup setup(argc, argv);
  Server(setup).run();
}
