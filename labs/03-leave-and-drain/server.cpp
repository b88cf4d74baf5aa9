// Lab 3, leave and drain: lab 2's server, which notices that a client leaves while it is held, and ends in
// good order. A thread that is held sleeps in poll(), for it waits for two things at once: its client and
// whoever wakes it. It is woken by its eventfd.
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "labs/kit/kit.hpp"

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kDrainTime{4};  // of the 5 that the contract gives

// One client. It belongs to its thread. Of a connection that is held, others may touch what stands at the
// end.
struct Connection {
  explicit Connection(const kit::Setup& setup, int client) : socket(client), reader(setup) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    close(wake);
    close(socket);
  }

  const int socket;
  kit::RequestReader reader;
  bool is_open = true;
  // Whoever takes it out of held_ gives it a message, or none if the server ends, and then writes to `wake`.
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::optional<kit::Message> message = {};  // guarded by the server's mutex
};

class Server {
 public:
  explicit Server(kit::Setup& setup) : setup_(setup) {}

  // restore() sleeps until SIGTERM comes. A second one ends the process at once.
  void run(kit::StopSignals& signals) {
    std::thread([this] { accept_clients(); }).detach();
    signals.restore();
    drain();
  }

 private:
  void accept_clients() {
    while (true) {
      const int socket = kit::accept_client(setup_);
      try {
        std::thread([this, socket] { serve(socket); }).detach();
      } catch (const std::system_error&) {  // there are too many threads
        close(socket);
      }
    }
  }

  // All the requests of one client, one after the other.
  void serve(int socket) {
    Connection connection(setup_, socket);
    connection.is_open = connection.wake >= 0;  // else no descriptor is free
    while (connection.is_open) {
      const auto request = kit::receive(socket, connection.reader);
      if (!request) break;
      change_busy(1);
      handle(connection, *request);
      change_busy(-1);
    }
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

  // As in lab 2: look, and if nothing is there, register and sleep. A sleep has four ends: a message, the
  // time, the client's leaving, and the drain.
  void subscribe(Connection& connection, const kit::Request& request) {
    kit::ReplyForm form = request.form;
    std::unique_lock lock(mutex_);
    const kit::Log& log = log_of(request.channel);
    const auto [after, missed] =
        kit::resume_point(request.since.value_or(log.last()), log.begin(), log.last());
    form.missed = missed;
    const kit::Message* const found = log.first_after(after);
    connection.message = found ? std::optional(*found) : std::nullopt;
    const kit::Cursor last = log.last();
    bool is_there = true;
    if (!found && !is_draining_) {
      const kit::Held counted(setup_);
      const auto place = held_.emplace(request.channel, &connection);
      lock.unlock();
      is_there = sleep(connection, Clock::now() + request.hold);
      lock.lock();
      if (!connection.message && !is_draining_) held_.erase(place);  // else somebody has taken it out
      forget_wake(connection);
    }
    const std::optional<kit::Message> message = connection.message;
    const bool is_refused = !message && is_draining_;
    const std::uint64_t turn = is_refused ? refused_++ : 0;
    lock.unlock();
    if (!is_there) return leave(connection);
    if (message) return respond(connection, kit::message(*message, form));
    if (is_refused) return refuse(connection, turn, form);
    respond(connection, kit::nothing_new(last, form));
  }

  // Sleeps until somebody writes to connection.wake, or the time is `until`. Bytes that the client sends
  // meanwhile are its next request: connection.reader stores them. False: the client has left, or has sent
  // too much.
  static bool sleep(Connection& connection, Clock::time_point until) {
    // TO WRITE: wait with poll() for the socket and for `wake` at the same time, as often as needed
    std::this_thread::sleep_until(until);  // notices nothing
    return connection.is_open;
  }

  // The socket has something: bytes, or the client's end.
  static bool store_early_bytes(Connection& connection) {
    char input[16384];
    const ssize_t size = recv(connection.socket, input, sizeof input, MSG_DONTWAIT);
    // TO WRITE: 0 is the client's end; EAGAIN means that nothing is there after all; bytes are its next request
    return size > 0;
  }

  void publish(Connection& connection, const kit::Request& request) {
    std::unique_lock lock(mutex_);
    const kit::Message message = log_of(request.channel).append(request.body);
    const auto [first, last] = held_.equal_range(request.channel);
    for (auto held = first; held != last; ++held) {
      held->second->message = message;
      wake(*held->second);
    }
    const std::size_t receivers = held_.erase(request.channel);
    lock.unlock();
    ++setup_.counters.published;
    respond(connection, kit::published(message.cursor, receivers, request.form));
  }

  // With the mutex: the connection may not end before this has written.
  static void wake(const Connection& connection) {
    kit::check(eventfd_write(connection.wake, 1), "eventfd_write");
  }

  // A message counts as delivered when the client's socket has taken all of it, and not before.
  void respond(Connection& connection, const kit::Response& response) {
    // TO WRITE: send; count a delivery; the connection ends with this answer if the server drains
    connection.is_open = kit::send(connection.socket, response);
  }

  // With the mutex: what was written for this hold must not end the next one.
  static void forget_wake(const Connection& connection) {
    eventfd_t count;
    if (eventfd_read(connection.wake, &count) != 0 && errno != EAGAIN) kit::check(-1, "eventfd_read");
  }

  void leave(Connection& connection) {
    connection.is_open = false;
    ++setup_.counters.disconnects;
  }

  // The 503 of a drain. `turn` is how many were refused before.
  void refuse(Connection& connection, std::uint64_t turn, kit::ReplyForm form) {
    // TO WRITE: answer with kit::shutting_down(), so that the clients do not all come back at once
    static_cast<void>(turn);
    static_cast<void>(form);
    connection.is_open = false;
  }

  // The end: no new clients, every held request is refused, and what is being answered may take until
  // kDrainTime.
  void drain() {
    // TO WRITE: stop the listener, set is_draining_ and held_at_drain_, empty held_ and wake all, wait
    is_draining_ = true;
  }

  // How many requests are being answered, those included that are held.
  void change_busy(int by) {
    const std::lock_guard lock(mutex_);
    busy_ += by;
    if (busy_ == 0) idle_.notify_all();
  }

  // The log of a channel, which begins with the first request for it. The caller has mutex_.
  kit::Log& log_of(const std::string& channel) { return logs_.try_emplace(channel, setup_).first->second; }

  kit::Setup& setup_;
  kit::Mutex mutex_;  // guards all below
  std::map<std::string, kit::Log> logs_;
  std::multimap<std::string, Connection*> held_;  // by channel
  int busy_ = 0;
  kit::ConditionVariable idle_;            // busy_ is 0
  std::atomic<bool> is_draining_ = false;  // set with the mutex, read without by respond()
  std::atomic<std::size_t> held_at_drain_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  kit::StopSignals signals;  // before any thread, for a thread inherits what is blocked
  kit::Setup setup(argc, argv);
  Server(setup).run(signals);
  _exit(0);  // the kernel ends the other threads
}
