// Model: one thread per connection. A thread blocked in a hold cannot read its socket: one thread watches for
// them all whether a client leaves.
// Owner of a connection: its thread; the watcher knows it by number, as long as its Client lives.
// Runs on: one thread of its own, asleep in one epoll instance; the other functions on any thread.
// Wakes a held request: the watcher, when the kernel says that the client has left.
#include "patterns/threaded/client_watcher.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "patterns/common/startup.hpp"

namespace comet::threaded {
using namespace common;
namespace {

constexpr std::uint64_t kStop = 0;  // the eventfd's number; clients count from 1
constexpr int kEventsAtOnce = 256;
// Edge-triggered, so that each end is reported once, and without EPOLLIN, so that early bytes wake nobody. A
// FIN that came before is reported at once.
constexpr std::uint32_t kLeaving = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLET;

}  // namespace

Client::Client(ClientWatcher& watcher, int connected)
    : socket(connected), watcher_(watcher), number_(watcher.add(*this)) {}

Client::~Client() { watcher_.remove(*this); }

ClientWatcher::ClientWatcher() : events_(epoll_create1(EPOLL_CLOEXEC)), stop_(eventfd(0, EFD_CLOEXEC)) {
  if (events_ < 0 || stop_ < 0) fail("creating the epoll instance", errno);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kStop}};
  if (epoll_ctl(events_, EPOLL_CTL_ADD, stop_, &event) != 0) fail("epoll_ctl", errno);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    fail("starting a thread", error.code().value());
  }
}

ClientWatcher::~ClientWatcher() {
  const std::uint64_t one = 1;
  if (write(stop_, &one, sizeof one) != sizeof one) fail("stopping the watcher", errno);
  thread_.join();
  ::close(stop_);
  ::close(events_);
}

std::uint64_t ClientWatcher::add(Client& client) {
  const std::lock_guard lock(mutex_);
  clients_.emplace(last_number_ + 1, &client);
  return ++last_number_;
}

void ClientWatcher::remove(Client& client) {
  const std::lock_guard lock(mutex_);
  clients_.erase(client.number_);
}

bool ClientWatcher::watch(Client& client) {
  if (client.watched_) return true;
  epoll_event event{.events = kLeaving, .data = {.u64 = client.number_}};
  client.watched_ = epoll_ctl(events_, EPOLL_CTL_ADD, client.socket, &event) == 0;
  return client.watched_;
}

void ClientWatcher::watch_input(Client& client, bool wanted) {
  epoll_event event{.events = kLeaving | (wanted ? EPOLLIN : 0U), .data = {.u64 = client.number_}};
  if (epoll_ctl(events_, EPOLL_CTL_MOD, client.socket, &event) != 0) fail("epoll_ctl", errno);
}

void ClientWatcher::stop_readers() {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, client] : clients_) {
    if (client->reading) shutdown(client->socket, SHUT_RD);  // fails only where the peer has gone already
  }
}

void ClientWatcher::cut_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, client] : clients_) shutdown(client->socket, SHUT_RDWR);
}

void ClientWatcher::run() {
  epoll_event events[kEventsAtOnce];
  while (true) {
    const int count = epoll_wait(events_, events, kEventsAtOnce, -1);
    if (count < 0 && errno != EINTR) fail("epoll_wait", errno);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == kStop) return;
      const auto waiter = find(events[i].data.u64);
      if (!waiter) continue;
      if (events[i].events == EPOLLIN) {
        waiter->notice_input();
      } else {
        waiter->leave();
      }
    }
  }
}

std::shared_ptr<Waiter> ClientWatcher::find(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = clients_.find(number);
  return found == clients_.end() ? nullptr : found->second->waiter;
}

}  // namespace comet::threaded
