// Model: one thread per connection. A thread blocked in a hold cannot read its socket: one thread watches for
// them all whether a client leaves.
// Owner of a connection: its thread; the watcher knows it by number, as long as its Client lives.
// Runs on: one thread of its own, asleep in one epoll instance; the other functions on any thread.
// Wakes a held request: the watcher, when the kernel says that the client has left.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "patterns/threaded/waiter.hpp"

namespace comet::threaded {

class ClientWatcher;

// What threads other than its own may know of a connection. Destroy it, then close the socket: after that
// nobody touches either.
class Client {
 public:
  Client(ClientWatcher& watcher, int connected);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const std::shared_ptr<Waiter> waiter = std::make_shared<Waiter>();
  const int socket;
  std::atomic<bool> reading{false};  // blocked until the client sends, or about to be

 private:
  friend class ClientWatcher;
  bool watched_ = false;
  ClientWatcher& watcher_;
  const std::uint64_t number_;
};

class ClientWatcher {
 public:
  // Exits with one line on standard error if the kernel gives no epoll instance or no thread.
  ClientWatcher();
  ~ClientWatcher();

  // From now on the client's leaving ends its holds. A socket is registered once, so a further hold costs no
  // call. False if the kernel is out of memory or of epoll watches.
  bool watch(Client& client);

  // Whether input is noticed too, from now on; what is there already is noticed at once. Only after watch()
  // was true. It costs a call, and a wake-up of the watcher for every piece that comes.
  void watch_input(Client& client, bool wanted);

  // For the drain: ends the wait of those who wait for a request.
  void stop_readers();
  // Ends every read and write.
  void cut_all();

 private:
  friend class Client;
  std::uint64_t add(Client& client);
  void remove(Client& client);
  void run();
  std::shared_ptr<Waiter> find(std::uint64_t number);

  int events_;        // the epoll instance
  int stop_;          // an eventfd in it
  std::mutex mutex_;  // guards what follows
  // A number is never used twice, so an event that is late finds its own client or none.
  std::unordered_map<std::uint64_t, Client*> clients_;
  std::uint64_t last_number_ = 0;
  std::thread thread_;
};

}  // namespace comet::threaded
