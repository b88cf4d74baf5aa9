// The channel log: appending a message and reading the first after a cursor; the plain one of core, and
// prefork's in shared memory, which takes a robust lock to append and copies to read.
#include <benchmark/benchmark.h>

#include "core/channels.hpp"
#include "patterns/prefork/shared_log.hpp"

namespace comet::microbench {
using namespace core;
using namespace prefork;
namespace {

constexpr std::size_t kHistory = 128;
constexpr std::string_view kMessage = "a message of a usual length, which is to say 64 bytes of payload";
struct NoWaiters {
  bool empty() const { return true; }
};

// With the clock read and the message encoded, and the oldest message dropped.
void append(benchmark::State& state) {
  Channels<NoWaiters> channels({.history = kHistory}, {1, 0});
  auto& channel = channels.open("all");
  for ([[maybe_unused]] auto once : state) {
    benchmark::DoNotOptimize(channels.publish(channel, kMessage)->response.get());
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
  static SharedLog log({.history = kHistory, .bytes = 1 << 20}, {1, 0});
  return log;
}

void append_shared(benchmark::State& state) {
  SharedLog::Channel channel("all");
  for ([[maybe_unused]] auto once : state) {
    benchmark::DoNotOptimize(shared_log().publish(channel, kMessage)->number);
  }
}
BENCHMARK(append_shared)->Name("log/append_shared");

void read_shared(benchmark::State& state) {
  SharedLog::Channel channel("all");
  for (std::size_t i = 0; i < kHistory; ++i) shared_log().publish(channel, kMessage);
  const Cursor oldest = shared_log().first_after(channel, Cursor{}).message->cursor;
  for ([[maybe_unused]] auto once : state) {
    benchmark::DoNotOptimize(shared_log().first_after(channel, oldest).message->response.get());
  }
}
BENCHMARK(read_shared)->Name("log/read_shared");

}  // namespace
}  // namespace comet::microbench
