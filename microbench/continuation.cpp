// continuations: suspending and resuming a request in the four styles, and what a suspended one weighs.
#include "patterns/continuations/continuation.hpp"

#include <benchmark/benchmark.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "microbench/costs.hpp"
#include "patterns/continuations/captured_handler.hpp"
#include "patterns/continuations/coroutine_handler.hpp"
#include "patterns/continuations/ownership.hpp"

namespace comet::microbench {
using namespace core;
using namespace continuations;
namespace {

constexpr std::size_t kBatch = 64;  // as in the server: one task of the pool resumes this many

// What a connection has of it.
struct Request {
  Continuation continuation;
  Ownership ownership;
  CapturedHandler captured;           // stackful
  std::coroutine_handle<> coroutine;  // coroutine
  std::size_t answers = 0;

  Request() { ownership.give_up(); }

  // The end of the request: what every style comes to.
  void respond() {
    ++answers;
    continuation.complete();
  }
};

// The publisher's side: wins the request, and with it the right to go on with it.
void win(Request& request, const std::shared_ptr<const Message>& message) {
  request.continuation.resume(message);
  request.ownership.raise(Event::resumed);
}

// Whoever goes on owns the request until then.
void end_turn(Request& request) {
  request.ownership.take();
  request.ownership.give_up();
}

struct Batch {
  std::vector<Request> requests{kBatch};
  std::shared_ptr<const Message> message = std::make_shared<const Message>(make_message({1, 0}, "m"));
  boost::asio::io_context pool{1};

  // One task for the batch, as resume_batch() in the server.
  template <class Resume>
  void run_as_task(Resume resume) {
    boost::asio::post(pool, [this, resume] {
      for (Request& request : requests) resume(request);
    });
    pool.restart();
    pool.run();
  }
};

// The handler runs from the top twice; is_initial() says which time it is.
void handle(Request& request) {
  if (request.continuation.is_initial()) return request.continuation.suspend();
  request.respond();
  end_turn(request);
}

void redispatch(benchmark::State& state) {
  Batch batch;
  while (state.KeepRunningBatch(kBatch)) {
    for (Request& request : batch.requests) handle(request);
    for (Request& request : batch.requests) win(request, batch.message);
    batch.run_as_task(handle);
  }
}
BENCHMARK(redispatch)->Name("wake/continuation/redispatch");

// The publisher goes on with the request itself, right after it has won it.
void direct(benchmark::State& state) {
  Batch batch;
  while (state.KeepRunningBatch(kBatch)) {
    for (Request& request : batch.requests) request.continuation.suspend();
    batch.run_as_task([&batch](Request& request) {
      win(request, batch.message);
      request.respond();
      end_turn(request);
    });
  }
}
BENCHMARK(direct)->Name("wake/continuation/direct");

// One function that waits in its middle, on a stack of its own.
void begin_captured(StackPool& stacks, Request& request) {
  request.captured.begin(stacks, [&request](CapturedStack& stack) {
    request.continuation.suspend();
    stack.suspend();
    request.respond();
  });
}

void resume_captured(Request& request) {
  CapturedHandler::resume(std::move(request.captured));
  end_turn(request);
}

void stackful(benchmark::State& state) {
  StackPool stacks;
  Batch batch;
  while (state.KeepRunningBatch(kBatch)) {
    for (Request& request : batch.requests) begin_captured(stacks, request);
    for (Request& request : batch.requests) win(request, batch.message);
    batch.run_as_task(resume_captured);
  }
}
BENCHMARK(stackful)->Name("wake/continuation/stackful");

// The same function, of which the compiler keeps what is needed after its middle.
CoroutineHandler handle_as_coroutine(Request& request) {
  co_await request.continuation;
  request.respond();
}

void begin_coroutine(Request& request) { request.coroutine = handle_as_coroutine(request).handle; }

void resume_coroutine(Request& request) {
  request.coroutine.resume();
  end_turn(request);
}

void coroutine(benchmark::State& state) {
  Batch batch;
  while (state.KeepRunningBatch(kBatch)) {
    for (Request& request : batch.requests) begin_coroutine(request);
    for (Request& request : batch.requests) win(request, batch.message);
    batch.run_as_task(resume_coroutine);
  }
}
BENCHMARK(coroutine)->Name("wake/continuation/coroutine");

// Not std::binary_semaphore: that of libstdc++ yields a while before it sleeps.
class Bell {
 public:
  void ring() {
    {
      const std::lock_guard lock(mutex_);
      rung_ = true;
    }
    rings_.notify_one();
  }
  void await() {
    std::unique_lock lock(mutex_);
    rings_.wait(lock, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable rings_;
  bool rung_ = false;
};

// To a thread of the pool that sleeps, and back to one that sleeps: an iteration is one of the two.
void post_to_pool(benchmark::State& state) {
  const OneCore core(state.range(0) != 0);
  boost::asio::io_context pool{1};
  const auto work = boost::asio::make_work_guard(pool);
  std::thread thread([&pool] { pool.run(); });
  Bell done;
  const CpuOfAll cpu;
  while (state.KeepRunningBatch(2)) {
    boost::asio::post(pool, [&done] { done.ring(); });
    done.await();
  }
  cpu.report(state);
  pool.stop();
  thread.join();
}
BENCHMARK(post_to_pool)
    ->Name("wake/continuation_pool/other_thread")
    ->ArgName("one_core")
    ->Arg(1)
    ->Arg(0)
    ->UseRealTime();

// A suspended request of the styles that capture nothing: the object alone.
void spawn_continuation(benchmark::State& state) {
  for ([[maybe_unused]] auto once : state) {
    const auto request = std::make_unique<Request>();
    handle(*request);
    benchmark::DoNotOptimize(request.get());
  }
}
BENCHMARK(spawn_continuation)->Name("spawn/continuation");

// A handler's whole life, on a stack that the pool had.
void spawn_captured(benchmark::State& state) {
  StackPool stacks;
  for ([[maybe_unused]] auto once : state) {
    CapturedHandler handler;
    handler.begin(stacks, [](CapturedStack&) {});
  }
}
BENCHMARK(spawn_captured)->Name("spawn/captured_stack/used_before");

// The same on stacks that must be mapped first, and unmapped after.
void spawn_captured_anew(benchmark::State& state) {
  constexpr std::size_t kCount = 256;
  std::vector<Request> requests(kCount);
  while (state.KeepRunningBatch(kCount)) {
    StackPool stacks;
    for (Request& request : requests) begin_captured(stacks, request);
    for (Request& request : requests) CapturedHandler::resume(std::move(request.captured));
  }
}
BENCHMARK(spawn_captured_anew)->Name("spawn/captured_stack/new");

// A handler's whole life, in a frame from the heap.
void spawn_coroutine(benchmark::State& state) {
  Request request;
  for ([[maybe_unused]] auto once : state) {
    begin_coroutine(request);
    request.coroutine.resume();
  }
}
BENCHMARK(spawn_coroutine)->Name("spawn/coroutine");

void memory_continuation(benchmark::State& state) {
  constexpr std::size_t kCount = 10000;
  for ([[maybe_unused]] auto once : state) {
    std::vector<std::unique_ptr<Continuation>> suspended(kCount);
    const MemoryGrowth growth;
    for (auto& continuation : suspended) {
      continuation = std::make_unique<Continuation>();
      continuation->suspend();
    }
    growth.report(state, kCount);
  }
}
BENCHMARK(memory_continuation)->Name("memory/continuation")->Iterations(1);

void memory_captured(benchmark::State& state) {
  constexpr std::size_t kCount = 2048;
  for ([[maybe_unused]] auto once : state) {
    std::vector<Request> requests(kCount);
    StackPool stacks;
    const MemoryGrowth growth;
    for (Request& request : requests) begin_captured(stacks, request);
    growth.report(state, kCount);
    for (Request& request : requests) CapturedHandler::resume(std::move(request.captured));
  }
}
BENCHMARK(memory_captured)->Name("memory/captured_stack")->Iterations(1);

void memory_coroutine(benchmark::State& state) {
  constexpr std::size_t kCount = 10000;
  for ([[maybe_unused]] auto once : state) {
    std::vector<Request> requests(kCount);
    const MemoryGrowth growth;
    for (Request& request : requests) begin_coroutine(request);
    growth.report(state, kCount);
    for (Request& request : requests) request.coroutine.resume();
  }
}
BENCHMARK(memory_coroutine)->Name("memory/coroutine")->Iterations(1);

}  // namespace
}  // namespace comet::microbench
