// The epoll floor: the least work by which one thread of epoll delivers a message to held requests. A held
// request is its descriptor in an array; a publish is one loop of send() over that array. With --threads N
// there are N such threads, each with a listener, an epoll and an array of its own; a publish hands the
// message to all of them.
// Owner of a connection: the thread that accepted it. Wake-up: epoll. README.md says what it does not do.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "peers/floor/floor.hpp"

namespace comet::floor {
namespace {

constexpr int kEventsPerWait = 512;

std::atomic<std::int64_t> connections{0}, published{0}, delivered{0};

class Loop {
 public:
  Loop(int listener, int stop) : listener_(listener), stop_(stop) {
    if (epoll_ < 0 || mail_ < 0) fail("creating the epoll", errno);
    watch(mail_);
    watch(listener_);
    watch(stop_);
  }
  void run(std::vector<std::unique_ptr<Loop>>& loops);

 private:
  void watch(int descriptor);
  void accept_all();
  void read(int connection, std::vector<std::unique_ptr<Loop>>& loops);
  void publish(int publisher, std::string_view message, std::vector<std::unique_ptr<Loop>>& loops);
  void deliver(const std::string& message);
  void take_mail();
  void send_or_drop(int connection, const std::string& bytes);
  void hold(int connection);
  void release(int connection);
  void drop(int connection);
  void listen_again();

  int listener_, stop_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int mail_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  bool listening_ = true;
  std::vector<int> held_;                   // the descriptors of held requests
  std::vector<int> place_;                  // by descriptor: its index in held_ plus one, or 0
  std::atomic<std::size_t> held_count_{0};  // held_.size(), for the other threads
  std::mutex mutex_;                        // guards messages_
  std::vector<std::shared_ptr<const std::string>> messages_;  // from other threads
};

void Loop::watch(int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl", errno);
}

void Loop::run(std::vector<std::unique_ptr<Loop>>& loops) {
  std::array<epoll_event, kEventsPerWait> events;
  while (true) {
    const int count = epoll_wait(epoll_, events.data(), kEventsPerWait, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait", errno);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
      if (descriptor == stop_) std::_Exit(0);  // nobody is owed anything
      if (descriptor == listener_) {
        accept_all();
      } else if (descriptor == mail_) {
        take_mail();
      } else {
        read(descriptor, loops);
      }
    }
  }
}

// Accepting rests when descriptors run out and goes on when one is given back.
void Loop::accept_all() {
  while (true) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection < 0 && (errno == ECONNABORTED || errno == EINTR)) continue;
    if (connection < 0) {
      if (errno != EMFILE && errno != ENFILE) return;
      if (epoll_ctl(epoll_, EPOLL_CTL_DEL, listener_, nullptr) != 0) fail("epoll_ctl", errno);
      listening_ = false;
      return;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = connection;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection, &event) != 0) {
      close(connection);
      continue;
    }
    const auto needed = static_cast<std::size_t>(connection) + 1;
    if (place_.size() < needed) place_.resize(2 * needed);
    ++connections;
  }
}

void Loop::listen_again() {
  if (!std::exchange(listening_, true)) watch(listener_);
}

void Loop::read(int connection, std::vector<std::unique_ptr<Loop>>& loops) {
  static thread_local char buffer[16 * 1024];
  const ssize_t size = recv(connection, buffer, sizeof buffer, 0);
  // EBADF: dropped by a publish earlier in the same batch of events.
  if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == EBADF)) return;
  if (size <= 0 || place_[static_cast<std::size_t>(connection)] != 0) return drop(connection);
  const Request request = read_request({buffer, static_cast<std::size_t>(size)});
  switch (request.kind) {
    case Request::Kind::subscribe:
      return hold(connection);
    case Request::Kind::publish:
      return publish(connection, request.message, loops);
    case Request::Kind::stats: {
      std::size_t held = 0;
      for (const auto& loop : loops) held += loop->held_count_;
      return send_or_drop(connection,
                          encode_stats({connections, static_cast<std::int64_t>(held), published, delivered}));
    }
    case Request::Kind::unknown:
      send_or_drop(connection, encode_unknown());
      if (place_[static_cast<std::size_t>(connection)] == 0) drop(connection);
  }
}

// Other threads get the message before this one sends its own part, so that all send at once.
void Loop::publish(int publisher, std::string_view message, std::vector<std::unique_ptr<Loop>>& loops) {
  std::size_t receivers = 0;
  for (const auto& loop : loops) receivers += loop->held_count_;
  const Published encoded = encode_publish(message, receivers);
  ++published;
  if (loops.size() > 1) {
    const auto shared = std::make_shared<const std::string>(encoded.message);
    for (const auto& loop : loops) {
      if (loop.get() == this) continue;
      {
        const std::lock_guard lock(loop->mutex_);
        loop->messages_.push_back(shared);
      }
      if (eventfd_write(loop->mail_, 1) != 0) fail("eventfd_write", errno);
    }
  }
  deliver(encoded.message);
  send_or_drop(publisher, encoded.answer);
}

void Loop::take_mail() {
  eventfd_t ignored = 0;
  eventfd_read(mail_, &ignored);  // it fails only if nothing is there any more
  std::vector<std::shared_ptr<const std::string>> messages;
  {
    const std::lock_guard lock(mutex_);
    messages.swap(messages_);
  }
  for (const auto& message : messages) deliver(*message);
}

void Loop::deliver(const std::string& message) {
  while (!held_.empty()) {
    const int subscriber = held_.back();
    release(subscriber);
    send_or_drop(subscriber, message);
    ++delivered;
  }
}

// An answer goes out in one send or the client does not read: then it is dropped, as the floor
// keeps no bytes.
void Loop::send_or_drop(int connection, const std::string& bytes) {
  const ssize_t sent = send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(bytes.size())) drop(connection);
}

void Loop::hold(int connection) {
  held_.push_back(connection);
  place_[static_cast<std::size_t>(connection)] = static_cast<int>(held_.size());
  held_count_.store(held_.size(), std::memory_order_relaxed);
}

void Loop::release(int connection) {
  const auto index =
      static_cast<std::size_t>(std::exchange(place_[static_cast<std::size_t>(connection)], 0) - 1);
  if (index + 1 < held_.size()) {
    held_[index] = held_.back();
    place_[static_cast<std::size_t>(held_[index])] = static_cast<int>(index + 1);
  }
  held_.pop_back();
  held_count_.store(held_.size(), std::memory_order_relaxed);
}

void Loop::drop(int connection) {
  if (place_[static_cast<std::size_t>(connection)] != 0) release(connection);
  close(connection);
  --connections;
  listen_again();
}

}  // namespace
}  // namespace comet::floor

int main(int argc, char** argv) {
  comet::floor::run_loops<comet::floor::Loop>(comet::floor::read_options(
      argc, argv, "comet-floor",
      "The floor of epoll: long-poll delivery with an int for each held request."));
}
