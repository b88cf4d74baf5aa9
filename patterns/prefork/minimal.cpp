// The minimal server with one process per connection, in one file. The full server starts in server.cpp.
// Model: a master forks workers; each serves one connection at a time, straight-line code that blocks.
// Owner of a connection: its worker.
// Runs on: that worker; the master waits for SIGTERM.
// Wakes a held request: the publisher's worker, by one write to the eventfd on which all held workers sleep.
//
// A poll gets only what is published while it is held. Left out, and where the full server has it: messages
// between two polls, cursors (log/); publishes that block (publish.cpp); the drain (drain.cpp); as many
// workers as the load needs (worker_pool.cpp); silent or leaving clients (server.cpp); limits, what to do if
// workers, descriptors or memory run out (hardening/); less memory for a held request (footprint/).
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <span>
#include <thread>

#include "core/request_reader.hpp"
#include "patterns/common/minimal_start.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/common/stop_signals.hpp"
#include "patterns/prefork/shared_memory.hpp"

namespace comet::minimal {
using namespace prefork;

struct Connection {
  int socket;
  RequestReader reader;
  bool is_open = true;
};

// What all know of a worker, in shared memory. Plain bytes: a pointer would be good in one process only.
struct Slot {
  bool is_held;
  char channel[65];  // of the held request, ended by a zero
  Cursor cursor;     // this and the rest: the message that ended the hold
  std::size_t size;
  char body[kDefaultMaxMessage];
};

class Server {
 public:
  Server(const Options& options, std::size_t workers)
      : service_{options, [this] { return stats(); }}, slots_(map_shared_array<Slot>(workers), workers) {}

  void run() {
    std::vector<pid_t> workers;
    for (Slot& slot : slots_) workers.push_back(start_worker(slot));
    announce_ready(listener_, service_.options);
    signals_.restore();  // sleeps until a stop signal
    for (const pid_t worker : workers) kill(worker, SIGKILL);
    while (wait(nullptr) > 0) continue;
  }

 private:
  pid_t start_worker(Slot& slot) {
    if (const pid_t worker = check(fork(), "fork")) return worker;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != master_) _exit(1);  // it ends with its master
    slot_ = &slot;
    epoll_ = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
    check(epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_event_, &event), "epoll_ctl");
    while (true) accept_connection();
  }

  // Step 1: accept. A worker serves one connection to its end before it accepts the next.
  void accept_connection() {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return std::this_thread::sleep_for(kAcceptPause);  // no descriptor is free, for instance
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

  // Step 5: publish. Each held request of the channel gets the message, and one write wakes all.
  void publish(Connection& connection, const Publish& request) {
    std::size_t receivers = 0;
    lock();
    const Cursor cursor = next_cursor(last_, unix_milliseconds());
    last_ = cursor;
    for (Slot& held : slots_) {
      if (!held.is_held || held.channel != request.channel) continue;
      held.cursor = cursor;
      held.size = request.body.copy(held.body, sizeof held.body);
      held.is_held = false;
      ++receivers;
    }
    unlock();
    check(eventfd_write(wake_event_, 1), "eventfd_write");
    respond(connection, published_response(cursor, receivers, request.form));
  }

  // Step 6: hold. The process sleeps. Its slot says so before. A write to the eventfd between the two is an
  // event in the worker's epoll (EPOLLET: each write is one) and ends the sleep at once.
  void hold(Connection& connection, const Subscribe& request) {
    const auto until = std::chrono::steady_clock::now() + request.hold;
    lock();
    const Cursor last = last_;
    const std::size_t length = request.channel.copy(slot_->channel, sizeof slot_->channel - 1);
    slot_->channel[length] = 0;
    slot_->is_held = true;
    for (auto left = request.hold; slot_->is_held && left.count() > 0;) {
      unlock();
      epoll_event event;
      if (epoll_wait(epoll_, &event, 1, static_cast<int>(left.count())) < 0 && errno != EINTR)
        fail("epoll_wait", errno);
      lock();
      left = ceil<Milliseconds>(until - std::chrono::steady_clock::now());
    }
    const bool has_message = !slot_->is_held;
    slot_->is_held = false;
    unlock();
    end_hold(connection, has_message, last, request.form);
  }

  // Step 7: end of a hold, by a message, whose bytes are in the slot, or because its time is over.
  void end_hold(Connection& connection, bool has_message, Cursor last, ReplyForm form) {
    if (!has_message) return respond(connection, no_content_response(last, form));
    const Message message = make_message(slot_->cursor, {slot_->body, slot_->size}, form.idle_seconds);
    respond(connection, message_response(message, form));
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
    lock();
    const auto held = std::ranges::count(slots_, true, &Slot::is_held);
    unlock();
    return {.pattern = "prefork-minimal", .pid = master_, .held = static_cast<std::uint64_t>(held)};
  }

  // A file lock: if a worker dies that has it, the kernel releases it.
  void lock() { check(lockf(mutex_, F_LOCK, 0), "locking"); }
  void unlock() { check(lockf(mutex_, F_ULOCK, 0), "unlocking"); }

  const Service service_;
  StopSignals signals_;
  const pid_t master_ = getpid();
  const int listener_ = open_minimal_listener(service_.options);
  const int mutex_ = check(memfd_create("mutex", MFD_CLOEXEC), "memfd_create");
  const int wake_event_ = check(eventfd(0, EFD_CLOEXEC), "eventfd");
  const std::span<Slot> slots_;                  // guarded by mutex_, as is the next
  Cursor& last_ = *map_shared_array<Cursor>(1);  // of the newest message
  Slot* slot_ = nullptr;                         // in a worker: its own
  int epoll_ = -1;                               // in a worker: what it sleeps in
};

}  // namespace comet::minimal

int main(int argc, char** argv) {
  std::size_t workers = 30;
  const auto options = comet::common::start_minimal(argc, argv, "comet-prefork-minimal", &workers);
  comet::minimal::Server(options, workers).run();
}
