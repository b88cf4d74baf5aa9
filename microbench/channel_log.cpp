// The channel log: appending a message and reading the first after a cursor. Both for the plain log of core,
// and for that of prefork in shared memory, which takes a lock to append and copies the message to read it.
#include <benchmark/benchmark.h>

#include "core/channels.hpp"
#include "microbench/samples.hpp"
#include "patterns/prefork/log/shared_log.hpp"

namespace comet::microbench {
using namespace core;
using namespace prefork;
namespace {

constexpr std::size_t kHistory = 128;
struct NoWaiters {
  bool empty() const { return true; }
};

// With the clock read and the message encoded, and the oldest message dropped.
void append(benchmark::State& state) {
  Channels<NoWaiters> channels({.history = kHistory}, {1, 0});
  auto& channel = channels.open("all");
  for ([[maybe_unused]] auto once : state) {
    benchmark::DoNotOptimize(channels.publish(channel, kMessage).message->response.get());
  }
}
BENCHMARK(append)->Name("log/append");

void read(benchmark::State& state) {
  Channels<NoWaiters> channels({.history = kHistory}, {1, 0});
  auto& channel = channels.open("all");
  for (std::size_t i = 0; i < kHistory; ++i) channels.publish(channel, kMessage);
  const Cursor oldest = channel.log.first_after({}).message->cursor;
  for ([[maybe_unused]] auto once : state) benchmark::DoNotOptimize(channel.log.first_after(oldest).message);
}
BENCHMARK(read)->Name("log/read");

// One for both: shared memory is never unmapped.
SharedLog& shared_log() {
  static SharedLog log({.history = kHistory, .bytes = 1 << 20}, Cursor{1, 0});
  return log;
}

void append_shared(benchmark::State& state) {
  Channel channel("all");
  for ([[maybe_unused]] auto once : state) {
    benchmark::DoNotOptimize(shared_log().publish(channel, kMessage)->number);
  }
}
BENCHMARK(append_shared)->Name("log/append_shared");

// The message that is `back` before the newest; a held request reads the newest.
void read_shared_back(benchmark::State& state, std::size_t back) {
  Channel channel("all");
  for (std::size_t i = back; i < kHistory; ++i) shared_log().publish(channel, kMessage);
  const Cursor since = shared_log().first_after(channel, {}).last;
  for (std::size_t i = 0; i < back; ++i) shared_log().publish(channel, kMessage);
  for ([[maybe_unused]] auto once : state) {
    benchmark::DoNotOptimize(shared_log().first_after(channel, since).message->response.get());
  }
}
BENCHMARK_CAPTURE(read_shared_back, newest, 1)->Name("log/read_shared");
BENCHMARK_CAPTURE(read_shared_back, oldest, kHistory)->Name("log/read_shared_oldest");

}  // namespace
}  // namespace comet::microbench
