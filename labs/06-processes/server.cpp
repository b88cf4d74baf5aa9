// Lab 6, processes: a long-poll server with one process per connection. A master forks workers. Each of them serves one
// client at a time, with calls that block. They share only what the master has mapped before its first fork: the log, a
// slot for each worker, and a number to sleep on.
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string_view>

#include "labs/kit/kit.hpp"
#include "labs/kit/processes.hpp"

namespace {

using Clock = std::chrono::steady_clock;

// One mutex for all processes. It lies in shared memory. At its pause points a test stops a process.
class ProcessMutex {
 public:
  ProcessMutex() {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    // TO WRITE: the mutex is for several processes, and one of them may be killed while it has the mutex
    if (const int error = pthread_mutex_init(&mutex_, &attributes)) kit::fail("making the mutex", error);
    pthread_mutexattr_destroy(&attributes);
  }

  void lock() {
    kit::pause_point("mutex");
    int error = pthread_mutex_lock(&mutex_);
    // TO WRITE: if the last owner was killed, the kernel gives the mutex and says so: make it usable again
    if (error != 0) kit::fail("locking the mutex", error);
  }

  void unlock() {
    if (const int error = pthread_mutex_unlock(&mutex_)) kit::fail("unlocking the mutex", error);
    kit::pause_point("mutex");
  }

 private:
  pthread_mutex_t mutex_;
};

// A channel's name as bytes, ended by a zero: in another process a std::string would point to nothing.
using ChannelName = char[65];
void copy_name(ChannelName& to, std::string_view from) { to[from.copy(to, sizeof to - 1)] = 0; }

// What the log keeps of a message beside its body.
struct Record {
  kit::Cursor cursor;
  kit::Cursor previous;  // of the message before, whatever its channel; of the first one: the server's start
  ChannelName channel;
  std::size_t size;  // of the body
};

// The newest messages of all channels together, as many as --history says. Used with the mutex.
class SharedLog {
 public:
  explicit SharedLog(const kit::Setup& setup)
      : setup_(setup),
        // One more than are retained: the next message is written where no message is.
        places_(setup.options().history + 1),
        count_(*kit::map_shared<std::atomic<std::uint64_t>>()),
        records_(kit::map_shared<Record>(places_)),
        bodies_(kit::map_shared<char>(places_ * setup.options().max_message)) {}

  // The cursor of the new message. A process that is killed here leaves the message in the log whole or not at all.
  kit::Cursor append(std::string_view channel, std::string_view body) {
    // TO WRITE: fill the record and the body of message `count_`, the body by kit::copy_to_shared(); count it
    (void)channel, (void)body;
    return last();
  }

  // The first message of the channel after `after`, if it is there.
  std::optional<kit::Message> first_after(std::string_view channel, kit::Cursor after) const {
    // TO WRITE: go back from the newest retained message while it is after `after`; kit::make_message_at()
    (void)channel, (void)after;
    return std::nullopt;
  }

  // Nothing up to begin() is retained, and last() is the newest message's. At first both are the server's start.
  kit::Cursor begin() const { return count_ == 0 ? setup_.started : record_of(oldest()).previous; }
  kit::Cursor last() const { return count_ == 0 ? setup_.started : record_of(count_ - 1).cursor; }

 private:
  // The number of the oldest retained message; if there is none, of the next one.
  std::uint64_t oldest() const { return count_ - std::min<std::uint64_t>(count_, places_ - 1); }
  Record& record_of(std::uint64_t number) const { return records_[number % places_]; }
  char* body_of(std::uint64_t number) const {
    return bodies_ + number % places_ * setup_.options().max_message;
  }

  const kit::Setup& setup_;
  const std::size_t places_;
  std::atomic<std::uint64_t>& count_;  // messages that were ever appended: 0, 1, ... count_ - 1
  Record* const records_;
  char* const bodies_;
};

// What all processes know of a worker.
struct Slot {
  pid_t worker;         // 0: none
  bool is_held;         // its request waits for a message, and none has come
  ChannelName channel;  // of that request
};

class Server {
 public:
  Server(kit::Setup& setup, std::size_t workers)
      : setup_(setup), slots_(kit::map_shared<Slot>(workers), workers) {}

  // The master: it keeps a worker in each slot. If there is no room for another process, it tries again each second.
  void run() {
    for (bool was_complete = true;;) {
      const auto has_worker = [&](Slot& slot) { return slot.worker != 0 || start_worker(slot); };
      const bool is_complete = std::ranges::all_of(slots_, has_worker);
      if (was_complete && !is_complete) std::perror("starting a worker");
      was_complete = is_complete;
      if (!is_complete) sleep(1);
      clear_slot_of_dead_worker(is_complete ? 0 : WNOHANG);
    }
  }

 private:
  // False: it could not be started.
  bool start_worker(Slot& slot) {
    // TO WRITE: fork. The master notes slot.worker. The worker serves clients, and must end when the master does
    own_ = &slot;
    while (true) serve(kit::accept_client(setup_));  // so far the master itself serves
  }

  // Waits until a worker has been killed or has crashed; with WNOHANG it only looks for one.
  void clear_slot_of_dead_worker(int how) {
    // TO WRITE: waitpid(2). It holds nothing any more; perhaps it has published and woken nobody; slot->worker = 0
    (void)how;
  }

  // All the requests of one client, one after the other. Each call waits: for the client, or for a message.
  void serve(int socket) {
    kit::RequestReader reader(setup_);
    while (const auto request = kit::receive(socket, reader)) {
      if (!kit::send(socket, answer(*request))) break;
    }
    close(socket);
  }

  kit::Response answer(const kit::Request& request) {
    if (request.what == kit::Request::What::subscribe) return subscribe(request);
    if (request.what == kit::Request::What::publish) return publish(request);
    return request.reply;
  }

  // The first message after request.since; without `since`, the next that is published. Until it is there, the request
  // is held.
  kit::Response subscribe(const kit::Request& request) {
    // TO WRITE: look, with the mutex, and set_held(); kit::sleep_while() nothing is published; look again
    return kit::not_written(request);
  }

  kit::Response publish(const kit::Request& request) {
    // TO WRITE: append and take_held(), with the mutex; kit::wake_all(), without it
    return kit::not_written(request);
  }

  // Says whether this worker's request is held. With the mutex.
  void set_held(bool is_held, std::string_view channel) {
    if (own_->is_held == is_held) return;
    own_->is_held = is_held;
    copy_name(own_->channel, channel);
    setup_.counters.held += is_held ? 1 : -1;
  }

  // How many requests are held on the channel. They are not any more, for their message has come. With the mutex.
  std::size_t take_held(std::string_view channel) {
    std::size_t taken = 0;
    for (Slot& slot : slots_) {
      if (!slot.is_held || slot.channel != channel) continue;
      slot.is_held = false;
      ++taken;
    }
    setup_.counters.held -= taken;
    return taken;
  }

  kit::Setup& setup_;
  const pid_t master_ = getpid();
  // Guards the log and the slots. It is made in shared memory: `new (ADDRESS)` makes an object at that address.
  ProcessMutex& mutex_ = *new (kit::map_shared<ProcessMutex>()) ProcessMutex;
  // How often something was published, or a worker died.
  std::atomic<std::uint32_t>& changes_ = *kit::map_shared<std::atomic<std::uint32_t>>();
  SharedLog log_{setup_};
  const std::span<Slot> slots_;
  Slot* own_ = nullptr;  // in a worker
};

}  // namespace

int main(int argc, char** argv) {
  std::size_t workers = 30;
  kit::Setup setup(argc, argv, &workers);
  Server(setup, workers).run();
}
