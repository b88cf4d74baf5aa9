// Model: one thread per connection. The only thing that connections share besides the channels.
// Owner of a connection: its thread; the watcher knows it by number between add() and remove().
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

// What others than its own thread may know of a connection.
struct Client {
  explicit Client(int connected) : socket(connected) {}

  const int socket;
  const std::shared_ptr<Waiter> waiter = std::make_shared<Waiter>();
  std::atomic<bool> reading{false};  // blocked until the client sends, or about to

 private:
  friend class ClientWatcher;
  std::uint64_t number_ = 0;
  bool watched_ = false;
};

class ClientWatcher {
 public:
  // Exits with one line on standard error where the kernel gives no epoll instance or no thread.
  ClientWatcher();
  ~ClientWatcher();

  void add(Client& client);
  // After it nobody touches the client or its socket any more: remove, then close.
  void remove(Client& client);

  // From now on the client's leaving ends its holds. A socket is registered once: it costs no second
  // descriptor, and no call per hold. False where the kernel is out of memory or of epoll watches.
  bool watch(Client& client);

  // Whether input, too, is noticed from now on; what is there already is. Only where watch() was true. It
  // costs a call, and a wake-up of the watcher for every piece that comes: for holds that last.
  void watch_input(Client& client, bool wanted);

  // Drain: ends the reading of those who wait for a request.
  void stop_readers();
  // Ends every read and write.
  void cut_all();

 private:
  void run();
  std::shared_ptr<Waiter> find(std::uint64_t number);

  int events_;        // the epoll instance
  int stop_;          // an eventfd in it
  std::mutex mutex_;  // guards what follows
  // Numbers are never used again, so that an event that was on its way finds its own client or none.
  std::unordered_map<std::uint64_t, Client*> clients_;
  std::uint64_t last_number_ = 0;
  std::thread thread_;
};

}  // namespace comet::threaded
