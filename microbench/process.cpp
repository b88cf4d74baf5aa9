// prefork: waking blocked workers through the shared log and the event of their channel, starting a worker,
// and what one weighs.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "microbench/costs.hpp"
#include "patterns/prefork/channel_events.hpp"
#include "patterns/prefork/log/shared_log.hpp"
#include "patterns/prefork/worker_pool.hpp"

namespace comet::microbench {
using namespace core;
using namespace common;
using namespace prefork;
namespace {

constexpr std::size_t kMostWorkers = 4096;

// Edge-triggered on one event, as each worker's epoll.
class EventWaiter {
 public:
  explicit EventWaiter(int watched) : epoll_(epoll_create1(EPOLL_CLOEXEC)) { watch(watched); }
  ~EventWaiter() { ::close(epoll_); }
  EventWaiter(const EventWaiter&) = delete;
  EventWaiter& operator=(const EventWaiter&) = delete;

  void watch(int descriptor) const {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    if (epoll_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll", errno);
  }

  void wait() const {
    epoll_event event;
    if (epoll_wait(epoll_, &event, 1, -1) < 0 && errno != EINTR) fail("epoll_wait", errno);
  }

 private:
  int epoll_;
};

// What the master maps before it forks. One for all benchmarks: shared memory is never unmapped.
struct Shared {
  SharedLog log{{.history = 128, .bytes = 1 << 20}, Cursor{unix_milliseconds(), 0}};
  Scoreboard board{kMostWorkers};
  ChannelEvents events;                                    // the workers wait for them
  ChannelEvents publisher;                                 // notified by the last worker of a round
  SharedNumber* done = map_shared_array<SharedNumber>(1);  // workers that took the round's message
  std::atomic<bool>* stop = map_shared_array<std::atomic<bool>>(1);
};
Shared& shared() {
  static Shared one;
  return one;
}

// Connections of workers to their client, which is the master here.
class Clients {
 public:
  Clients() {
    if (listener_ < 0 || bind(listener_, name(), sizeof(sa_family_t)) != 0 || listen(listener_, 4096) != 0 ||
        getsockname(listener_, name(), &size_) != 0)
      fail("listening", errno);
  }
  ~Clients() {
    for (const int client : clients_) ::close(client);
    ::close(listener_);
  }
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  // A worker's end.
  int connect_one() {
    const int worker = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (worker < 0 || connect(worker, name(), size_) != 0 || fcntl(worker, F_SETFL, O_NONBLOCK) != 0)
      fail("connect", errno);
    return worker;
  }
  void accept(std::size_t count) {
    while (clients_.size() < count) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) fail("accept4", errno);
      clients_.push_back(client);
    }
  }
  void ask() const {
    for (const int client : clients_)
      if (send(client, "?", 1, MSG_NOSIGNAL) != 1) fail("send", errno);
  }

 private:
  sockaddr* name() { return reinterpret_cast<sockaddr*>(&name_); }

  // Without a path the kernel chooses an abstract name.
  sockaddr_un name_{.sun_family = AF_UNIX, .sun_path = {}};
  socklen_t size_ = sizeof name_;
  int listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> clients_;
};

// `count` workers, each blocked until there is a message; then, if they are `asked`, until there is the next
// request. The pool blocks some signals; its end unblocks them.
class Workers {
 public:
  explicit Workers(std::size_t count, bool asked = false)
      : count_(count), done_(shared().publisher.of(channel_.hash)) {
    if (asked) clients_.emplace();
    *shared().stop = false;
    *shared().done = 0;
    if (sigprocmask(SIG_SETMASK, nullptr, &signals_) != 0) fail("sigprocmask", errno);
    pool_.emplace(PoolOptions{.least = count, .most = count}, shared().board, shared().events,
                  [this](std::size_t) { work(); });
    pool_->start();
    if (asked) clients_->accept(count);
    await_all();
  }
  ~Workers() {
    *shared().stop = true;
    shared().events.notify_all();
    pool_->finish(Milliseconds{60000});
    if (sigprocmask(SIG_SETMASK, &signals_, nullptr) != 0) fail("sigprocmask", errno);
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Publishes one message; returns when all workers have it and wait again.
  void round() {
    *shared().done = 0;
    shared().log.publish(channel_, "a message of a usual length, which is to say 64 bytes of payload");
    shared().events.notify(channel_.hash);
    await_all();
  }

  // Sends all their next requests; returns when all wait for a message again.
  void ask() {
    *shared().done = 0;
    clients_->ask();
    await_all();
  }

 private:
  void await_all() const {
    while (*shared().done < count_) done_.wait();
  }

  void work() {
    const EventWaiter event(shared().events.of(channel_.hash));
    const int client = clients_ ? clients_->connect_one() : -1;
    if (client >= 0) event.watch(client);
    Cursor seen = shared().log.first_after(channel_, {}).last;
    while (true) {
      waits();
      const auto message = next_message(event, seen);
      if (!message) return;
      seen = message->cursor;
      if (client >= 0 && !wait_for_request(event, client)) return;
    }
  }

  // The first message behind `seen`; nullopt if all is to stop.
  std::optional<Message> next_message(const EventWaiter& event, Cursor seen) {
    while (true) {
      event.wait();
      if (*shared().stop) return std::nullopt;
      if (auto found = shared().log.first_after(channel_, seen); found.message) return found.message;
    }
  }

  void waits() const {
    if (shared().done->fetch_add(1) + 1 == count_) shared().publisher.notify(channel_.hash);
  }

  // False if the client has left.
  bool wait_for_request(const EventWaiter& event, int client) const {
    waits();
    char byte = 0;
    ssize_t size = -1;
    do {
      event.wait();
      size = recv(client, &byte, 1, 0);
    } while (size < 0 && errno == EAGAIN);
    return size == 1;
  }

  const std::size_t count_;
  Channel channel_{"all"};
  EventWaiter done_;
  sigset_t signals_;
  std::optional<Clients> clients_;
  std::optional<WorkerPool> pool_;
};

// An iteration is one wake: of each worker, and of the publisher by the last of them.
void wake_process(benchmark::State& state) {
  const auto workers = static_cast<std::size_t>(state.range(0));
  const OneCore core(state.range(1) != 0);
  Workers pool(workers);
  const CpuOfAll cpu;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(workers + 1))) pool.round();
  cpu.report(state);
}
BENCHMARK(wake_process)
    ->Name("wake/process")
    ->ArgNames({"waiting", "one_core"})
    ->ArgsProduct({{1, 64}, {1, 0}})
    ->UseRealTime();

// An iteration is what one delivery waits for: a message, and the next request. With thousands of workers
// each runs with cold caches, as in a server. What the client does is not counted.
void waits_process(benchmark::State& state) {
  const auto workers = static_cast<std::size_t>(state.range(0));
  Workers pool(workers, true);
  CpuOfAll cpu;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(workers))) {
    pool.round();
    cpu.as_client([&pool] { pool.ask(); });
  }
  cpu.report(state);
}
BENCHMARK(waits_process)->Name("waits/process")->ArgName("waiting")->Arg(64)->Arg(4000)->UseRealTime();

// fork, nothing to do, exit, wait: a worker's whole life but for its work.
void spawn_process(benchmark::State& state) {
  constexpr std::size_t kBatch = 16;
  sigset_t signals;
  if (sigprocmask(SIG_SETMASK, nullptr, &signals) != 0) fail("sigprocmask", errno);
  WorkerPool pool({.least = kBatch, .most = kBatch}, shared().board, shared().events, [](std::size_t) {});
  const CpuOfAll cpu;
  while (state.KeepRunningBatch(kBatch)) {
    pool.start();
    pool.finish(Milliseconds{60000});
  }
  cpu.report(state);
  if (sigprocmask(SIG_SETMASK, &signals, nullptr) != 0) fail("sigprocmask", errno);
}
BENCHMARK(spawn_process)->Name("spawn/process")->UseRealTime();

void memory_process(benchmark::State& state) {
  constexpr std::size_t kCount = 64;
  shared();
  for ([[maybe_unused]] auto once : state) {
    const MemoryGrowth growth;
    const Workers pool(kCount);
    growth.report(state, kCount);
  }
}
BENCHMARK(memory_process)->Name("memory/process")->Iterations(1);

}  // namespace
}  // namespace comet::microbench
