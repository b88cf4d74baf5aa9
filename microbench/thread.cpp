// threaded: waking threads by the condition variable of their waiter, starting a thread, and what one weighs.
#include <benchmark/benchmark.h>
#include <sched.h>

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

// `count` threads, each blocked in its waiter until there is a message.
class Holders {
 public:
  explicit Holders(std::size_t count, std::size_t stack_size = kStackSize)
      : threads_(count + 1, stack_size), waiters_(count) {
    all_wait_.begin();
    for (Waiter& waiter : waiters_) {
      if (!threads_.start([this, &waiter](bool) { hold(waiter); })) fail("starting a thread", EAGAIN);
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

 private:
  void hold(Waiter& waiter) {
    do {
      waiter.begin();
      if (waiting_.fetch_add(1) + 1 == waiters_.size()) all_wait_.end(Waiter::State::message);
    } while (waiter.wait() == Waiter::State::message && waiter.take_message().response);
  }

  ConnectionThreads threads_;
  std::deque<Waiter> waiters_;
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
