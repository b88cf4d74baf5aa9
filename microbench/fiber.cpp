// fibers: a switch, a letter into a mailbox within a thread and between threads, starting a fiber, and what a
// parked one weighs.
#include <benchmark/benchmark.h>

#include <boost/fiber/fiber.hpp>
#include <boost/fiber/operations.hpp>
#include <boost/intrusive_ptr.hpp>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "microbench/costs.hpp"
#include "patterns/fibers/footprint/fiber_pool.hpp"
#include "patterns/fibers/footprint/shared_stack.hpp"
#include "patterns/fibers/room.hpp"

namespace comet::microbench {
using namespace fibers;
namespace {

constexpr std::size_t kStackSize = 65536;  // the default of comet-fibers

// A thread of the server: scheduler, inbox, fibers.
struct Host {
  // Runs `body` on a thread of its own, where it may start fibers and must see them end.
  template <class Body>
  std::thread start(Body body) {
    return std::thread([this, body] {
      scheduler->install();
      body();
    });
  }

  boost::intrusive_ptr<EpollScheduler> scheduler{new EpollScheduler};
  Inbox inbox{*scheduler};
};

// What waits for letters.
struct Owner : Sleeper {
  explicit Owner(Host& host) : Sleeper(*host.scheduler), mailbox(host.inbox, *this) {}
  Mailbox mailbox;
};

// Two fibers that give way to each other: an iteration is one switch.
void switch_fiber(benchmark::State& state) {
  Host host;
  host.start([&state] {
        bool ended = false;
        boost::fibers::fiber other([&ended] {
          while (!ended) boost::this_fiber::yield();
        });
        while (state.KeepRunningBatch(2)) boost::this_fiber::yield();
        ended = true;
        other.join();
      })
      .join();
}
BENCHMARK(switch_fiber)->Name("switch/fiber");

// To another stack and back, without a scheduler: an iteration is one switch of Boost.Context.
void switch_context(benchmark::State& state) {
  SharedStack stack;
  while (state.KeepRunningBatch(2)) stack.call([] {});
}
BENCHMARK(switch_context)->Name("switch/context");

// Sends every letter back until `stop`.
void echo(Owner& owner, Mailbox& to) {
  while (owner.mailbox.receive().kind != Letter::Kind::stop) to.send({.kind = Letter::Kind::message});
}

void exchange_letters(benchmark::State& state, Owner& owner, Mailbox& to) {
  while (state.KeepRunningBatch(2)) {
    to.send({.kind = Letter::Kind::message});
    owner.mailbox.receive();
  }
  to.send({.kind = Letter::Kind::stop});
}

// A letter to a parked fiber, until it runs.
void wake_fiber(benchmark::State& state) {
  Host host;
  Owner here(host), there(host);
  host.start([&] {
        boost::fibers::fiber other([&] { echo(there, here.mailbox); });
        exchange_letters(state, here, there.mailbox);
        other.join();
      })
      .join();
}
BENCHMARK(wake_fiber)->Name("wake/fiber/own_thread");

// The same to each of `waiting` fibers in turn: with thousands, what a fiber has on its stack is in no cache.
void wake_cold_fiber(benchmark::State& state) {
  const auto waiting = static_cast<std::size_t>(state.range(0));
  Host host;
  std::deque<Owner> owners;
  for (std::size_t i = 0; i < waiting; ++i) owners.emplace_back(host);
  std::size_t received = 0, ended = 0;
  FiberPool pool(*host.scheduler, kStackSize, [&](Sleeper& sleeper) {
    auto& mailbox = static_cast<Owner&>(sleeper).mailbox;
    while (mailbox.receive().kind != Letter::Kind::stop) ++received;
    ++ended;
  });
  const auto send_to_all = [&](Letter::Kind kind, std::size_t& until_all) {
    for (Owner& owner : owners) owner.mailbox.send({.kind = kind});
    while (until_all < waiting) boost::this_fiber::yield();
    until_all = 0;
  };
  host.start([&] {
        for (Owner& owner : owners) pool.run(owner);
        send_to_all(Letter::Kind::message, received);  // so that all wait
        while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(waiting)))
          send_to_all(Letter::Kind::message, received);
        pool.stop();
        send_to_all(Letter::Kind::stop, ended);
      })
      .join();
}
BENCHMARK(wake_cold_fiber)->Name("wake/fiber/cold")->ArgName("waiting")->Arg(64)->Arg(4000);

// The same to a fiber of a thread that sleeps.
void wake_fiber_elsewhere(benchmark::State& state) {
  const OneCore core(state.range(0) != 0);
  Host this_host, other_host;
  Owner here(this_host), there(other_host);
  std::thread other = other_host.start([&] { echo(there, here.mailbox); });
  this_host
      .start([&] {
        const CpuOfAll cpu;
        exchange_letters(state, here, there.mailbox);
        cpu.report(state);
      })
      .join();
  other.join();
}
BENCHMARK(wake_fiber_elsewhere)
    ->Name("wake/fiber/other_thread")
    ->ArgName("one_core")
    ->Arg(1)
    ->Arg(0)
    ->UseRealTime();

// `count` fibers of a FiberPool, each parked; runs `meanwhile` while they are.
template <class Meanwhile>
void park_fibers(Host& host, std::size_t count, Meanwhile meanwhile) {
  std::size_t parked = 0;
  std::size_t ended = 0;
  std::deque<Sleeper> sleepers;
  for (std::size_t i = 0; i < count; ++i) sleepers.emplace_back(*host.scheduler);
  FiberPool pool(*host.scheduler, kStackSize, [&](Sleeper& sleeper) {
    ++parked;
    sleeper.park();
    ++ended;
  });
  for (Sleeper& sleeper : sleepers) pool.run(sleeper);
  // NOLINTNEXTLINE(bugprone-infinite-loop): other fibers count
  while (parked < count) boost::this_fiber::yield();
  meanwhile();
  pool.stop();
  for (Sleeper& sleeper : sleepers) sleeper.wake();
  // NOLINTNEXTLINE(bugprone-infinite-loop): as above
  while (ended < count) boost::this_fiber::yield();
}

// A fiber's whole life: its stack mapped, the fiber started, parked, woken and ended, its stack unmapped.
void spawn_fiber(benchmark::State& state) {
  constexpr std::size_t kBatch = 256;
  Host host;
  host.start([&] {
        while (state.KeepRunningBatch(kBatch)) park_fibers(host, kBatch, [] {});
      })
      .join();
}
BENCHMARK(spawn_fiber)->Name("spawn/fiber/new");

// The same on a fiber that the pool had: how a hibernating connection wakes. The pool's fibers end
// with the thread.
void spawn_in_pool(benchmark::State& state) {
  Host host;
  bool served = false;
  FiberPool pool(*host.scheduler, kStackSize, [&served](Sleeper&) { served = true; });
  Sleeper sleeper(*host.scheduler);
  host.start([&] {
        for ([[maybe_unused]] auto once : state) {
          served = false;
          pool.run(sleeper);
          while (!served) boost::this_fiber::yield();
        }
        pool.stop();
      })
      .join();
}
BENCHMARK(spawn_in_pool)->Name("spawn/fiber/used_before");

void memory_fiber(benchmark::State& state) {
  constexpr std::size_t kCount = 2048;
  Host host;
  host.start([&] {
        for ([[maybe_unused]] auto once : state) {
          const MemoryGrowth growth;
          park_fibers(host, kCount, [&] { growth.report(state, kCount); });
        }
      })
      .join();
}
BENCHMARK(memory_fiber)->Name("memory/fiber")->Iterations(1);

// What is left of a connection's fiber while it hibernates.
void memory_hibernating(benchmark::State& state) {
  constexpr std::size_t kCount = 10000;
  Host host;
  struct Record : Sleeper, Participant {
    explicit Record(Host& home) : Sleeper(*home.scheduler), Participant(home.inbox, *this) {}
  };
  for ([[maybe_unused]] auto once : state) {
    std::vector<std::unique_ptr<Record>> records(kCount);
    const MemoryGrowth growth;
    for (auto& record : records) record = std::make_unique<Record>(host);
    growth.report(state, kCount);
  }
}
BENCHMARK(memory_hibernating)->Name("memory/hibernating_fiber")->Iterations(1);

}  // namespace
}  // namespace comet::microbench
