// threaded: waking threads by the condition variable of their waiter, starting a thread, and what one weighs.
#include <benchmark/benchmark.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <deque>

#include "microbench/costs.hpp"
#include "patterns/common/startup.hpp"
#include "patterns/threaded/footprint/thread_settings.hpp"
#include "patterns/threaded/hardening/connection_threads.hpp"
#include "patterns/threaded/waiter.hpp"

namespace comet::microbench {
using namespace core;
using namespace common;
using namespace threaded;
namespace {

constexpr std::size_t kStackSize = 64UL * 1024;  // the default of comet-threaded

// As comet-threaded has its threads scheduled, for the calling thread and those that it starts.
struct Batch {
  Batch() { let_wakers_go_on(); }
  ~Batch() {
    const sched_param unused{};
    sched_setscheduler(0, SCHED_OTHER, &unused);
  }
};

// What a thread waits for after a message, in place of its client's next request.
class NextRequest {
 public:
  NextRequest() {
    if (event_ < 0) fail("eventfd", errno);
  }
  ~NextRequest() { ::close(event_); }
  NextRequest(const NextRequest&) = delete;
  NextRequest& operator=(const NextRequest&) = delete;

  void send() const {
    if (eventfd_write(event_, 1) != 0) fail("eventfd_write", errno);
  }
  void wait() const {
    eventfd_t number = 0;
    if (eventfd_read(event_, &number) != 0) fail("eventfd_read", errno);
  }

 private:
  int event_ = eventfd(0, EFD_CLOEXEC);
};

// `count` threads, each blocked in its waiter until there is a message; then, if they are `asked`, until
// there is the next request.
class Holders {
 public:
  explicit Holders(std::size_t count, std::size_t stack_size = kStackSize, bool asked = false)
      : threads_(count + 1, stack_size), waiters_(count), requests_(asked ? count : 0) {
    all_wait_.begin();
    for (std::size_t i = 0; i < count; ++i) {
      const NextRequest* request = asked ? &requests_[i] : nullptr;
      if (!threads_.start([this, i, request](bool) { hold(waiters_[i], request); }))
        fail("starting a thread", EAGAIN);
    }
    all_wait_.wait();
  }
  ~Holders() {
    for (Waiter& waiter : waiters_) waiter.end(Waiter::State::drained);
    threads_.stop();
    threads_.wait_for_all();
  }

  // Ends all holds with one message; returns when all threads have it and wait again.
  void round(const Message& message) {
    waiting_ = 0;
    all_wait_.begin();
    for (Waiter& waiter : waiters_) waiter.end(message);
    all_wait_.wait();
  }

  // Sends all their next requests; returns when all threads wait in their waiters again.
  void ask() {
    waiting_ = 0;
    all_wait_.begin();
    for (const NextRequest& request : requests_) request.send();
    all_wait_.wait();
  }

 private:
  void waits() {
    if (waiting_.fetch_add(1) + 1 == waiters_.size()) all_wait_.end(Waiter::State::message);
  }

  void hold(Waiter& waiter, const NextRequest* request) {
    while (true) {
      waiter.begin();
      waits();
      if (waiter.wait() != Waiter::State::message || !waiter.take_message().response) return;
      if (request == nullptr) continue;
      waits();
      request->wait();
    }
  }

  ConnectionThreads threads_;
  std::deque<Waiter> waiters_;
  std::deque<NextRequest> requests_;
  std::atomic<std::size_t> waiting_{0};
  Waiter all_wait_;  // the publisher's
};

// An iteration is one wake: of each thread, and of the publisher by the last of them.
void wake_thread(benchmark::State& state) {
  const auto waiting = static_cast<std::size_t>(state.range(0));
  const OneCore core(state.range(1) != 0);
  const Batch batch;
  Holders holders(waiting);
  const Message message = make_message({1, 0}, "m");
  const CpuOfAll cpu;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(waiting + 1))) holders.round(message);
  cpu.report(state);
}
BENCHMARK(wake_thread)
    ->Name("wake/thread")
    ->ArgNames({"waiting", "one_core"})
    ->ArgsProduct({{1, 64}, {1, 0}})
    ->UseRealTime();

// An iteration is what one delivery waits for: a message, and the next request. With thousands of threads
// each runs with cold caches, as in a server. What the client does is not counted.
void waits_thread(benchmark::State& state) {
  const auto waiting = static_cast<std::size_t>(state.range(0));
  const Batch batch;
  Holders holders(waiting, kStackSize, true);
  const Message message = make_message({1, 0}, "m");
  CpuOfAll cpu;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(waiting))) {
    holders.round(message);
    cpu.as_client([&holders] { holders.ask(); });
  }
  cpu.report(state);
}
BENCHMARK(waits_thread)->Name("waits/thread")->ArgName("waiting")->Arg(64)->Arg(4000)->UseRealTime();

// A thread's whole life but for its work; with the spare one that ConnectionThreads keeps.
void spawn_thread(benchmark::State& state) {
  constexpr std::size_t kBatch = 64;
  const CpuOfAll cpu;
  while (state.KeepRunningBatch(kBatch)) {
    ConnectionThreads threads(kBatch + 1, kStackSize);
    for (std::size_t started = 0; started < kBatch; ++started) {
      if (!threads.start([](bool) {})) fail("starting a thread", EAGAIN);
    }
    threads.stop();
    threads.wait_for_all();
  }
  cpu.report(state);
}
BENCHMARK(spawn_thread)->Name("spawn/thread")->UseRealTime();

void memory_thread(benchmark::State& state) {
  constexpr std::size_t kCount = 512;
  // glibc keeps the stacks of ended threads, with the pages that they touched: a larger one cannot
  // be of those.
  static std::size_t stack_size = kStackSize;
  for ([[maybe_unused]] auto once : state) {
    const MemoryGrowth growth;
    const Holders holders(kCount, stack_size += 4096);
    growth.report(state, kCount);
  }
}
BENCHMARK(memory_thread)->Name("memory/thread")->Iterations(1);

}  // namespace
}  // namespace comet::microbench
