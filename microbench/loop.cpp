// async: having the libuv loop run a callback, from its own thread, from another one, and behind work that
// was given to libuv's pool; and what a held connection weighs. A wake of its held requests needs none of
// that: the publisher's callback walks a list.
#include <benchmark/benchmark.h>
#include <uv.h>

#include <memory>
#include <thread>
#include <vector>

#include "microbench/costs.hpp"
#include "patterns/async/hardening/libuv_call.hpp"
#include "patterns/async/server.hpp"
#include "patterns/common/startup.hpp"

namespace comet::microbench {
using namespace core;
using namespace common;
using namespace async;
namespace {

// A loop with one callback that is posted to it.
struct Loop {
  explicit Loop(uv_async_cb callback) {
    require(uv_loop_init(&loop), "uv_loop_init");
    require(uv_async_init(&loop, &post, callback), "uv_async_init");
    loop.data = this;
  }
  ~Loop() {
    uv_close(reinterpret_cast<uv_handle_t*>(&post), nullptr);
    uv_run(&loop, UV_RUN_DEFAULT);
    require(uv_loop_close(&loop), "uv_loop_close");
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void send() { require(uv_async_send(&post), "uv_async_send"); }

  uv_loop_t loop;
  uv_async_t post;
  bool stopped = false;
  Loop* other = nullptr;
};

void post_from_own_thread(benchmark::State& state) {
  Loop here([](uv_async_t*) {});
  for ([[maybe_unused]] auto once : state) {
    here.send();
    uv_run(&here.loop, UV_RUN_ONCE);
  }
}
BENCHMARK(post_from_own_thread)->Name("wake/loop_callback/own_thread");

// Two loops that post to each other: an iteration is one post and one wake.
void post_from_other_thread(benchmark::State& state) {
  const OneCore core(state.range(0) != 0);
  Loop here([](uv_async_t*) {});
  Loop there([](uv_async_t* post) {
    const auto& loop = *static_cast<Loop*>(post->loop->data);
    if (loop.stopped) uv_stop(post->loop);
    loop.other->send();
  });
  there.other = &here;
  std::thread thread([&there] { uv_run(&there.loop, UV_RUN_DEFAULT); });
  const CpuOfAll cpu;
  while (state.KeepRunningBatch(2)) {
    there.send();
    uv_run(&here.loop, UV_RUN_ONCE);
  }
  cpu.report(state);
  there.stopped = true;
  there.send();
  thread.join();
}
BENCHMARK(post_from_other_thread)
    ->Name("wake/loop_callback/other_thread")
    ->ArgName("one_core")
    ->Arg(1)
    ->Arg(0)
    ->UseRealTime();

// Work handed to libuv's pool, and the callback that says it is done: two wakes.
void pool_round_trip(benchmark::State& state) {
  Loop here([](uv_async_t*) {});
  uv_unref(reinterpret_cast<uv_handle_t*>(&here.post));  // uv_run() below waits for the work alone
  const CpuOfAll cpu;
  for ([[maybe_unused]] auto once : state) {
    uv_work_t work;
    require(uv_queue_work(
                &here.loop, &work, [](uv_work_t*) {}, [](uv_work_t*, int) {}),
            "uv_queue_work");
    uv_run(&here.loop, UV_RUN_DEFAULT);
  }
  cpu.report(state);
}
BENCHMARK(pool_round_trip)->Name("wake/loop_pool_round_trip")->UseRealTime();

// A connection without its socket: made, opened in the loop, closed, and taken back.
void spawn_connection(benchmark::State& state) {
  Loop here([](uv_async_t*) {});
  uv_unref(reinterpret_cast<uv_handle_t*>(&here.post));
  const Service service;
  for ([[maybe_unused]] auto once : state) {
    auto* connection = new Connection(service);
    require(uv_tcp_init(&here.loop, &connection->socket), "uv_tcp_init");
    connection->socket.data = connection;
    uv_close(reinterpret_cast<uv_handle_t*>(&connection->socket),
             [](uv_handle_t* handle) { delete &connection_of(handle); });
    uv_run(&here.loop, UV_RUN_DEFAULT);
  }
}
BENCHMARK(spawn_connection)->Name("spawn/loop_connection");

void memory_connection(benchmark::State& state) {
  constexpr std::size_t kCount = 10000;
  const Service service;
  for ([[maybe_unused]] auto once : state) {
    std::vector<std::unique_ptr<Connection>> held(kCount);
    const MemoryGrowth growth;
    for (auto& connection : held) connection = std::make_unique<Connection>(service);
    growth.report(state, kCount);
  }
}
BENCHMARK(memory_connection)->Name("memory/loop_connection")->Iterations(1);

}  // namespace
}  // namespace comet::microbench
