// What Google Benchmark does not measure by itself: CPU time over several processes, and memory at rest.
#pragma once

#include <benchmark/benchmark.h>
#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace comet::microbench {

// CPU time, user and system, of this process and its children, from here to report(): the counter `cpu_ns`,
// per iteration. Google Benchmark's own CPU column knows the measuring thread alone.
class CpuOfAll {
 public:
  CpuOfAll();
  void report(benchmark::State& state) const;

 private:
  std::int64_t before_;
};

// What memory grows by from here to report(), per thing made: the counters `user_bytes` (proportional set
// size of this process and its children) and `kernel_bytes` (system-wide, so whatever else ran is in it).
class MemoryGrowth {
 public:
  MemoryGrowth();
  void report(benchmark::State& state, std::size_t count) const;

 private:
  std::optional<std::int64_t> kernel_, user_;  // in this order: settling gives ended threads time to be gone
};

// Keeps the calling thread, and the threads and processes that it starts, on the core that it is on.
class OneCore {
 public:
  explicit OneCore(bool wanted);
  ~OneCore();
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;

 private:
  cpu_set_t before_;
};

}  // namespace comet::microbench
