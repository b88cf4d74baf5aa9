// What Google Benchmark does not measure: CPU time of several processes together, and memory.
#pragma once

#include <benchmark/benchmark.h>
#include <sched.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace comet::microbench {

// Processor time that the calling thread has used, user and system.
std::int64_t thread_cpu_ns();

// Measures the CPU time, user and system, of this process and its children, from the constructor to
// report(). It is the counter `cpu_ns`, per iteration. Google Benchmark's own CPU column counts the
// measuring thread only.
class CpuOfAll {
 public:
  CpuOfAll();
  void report(benchmark::State& state) const;
  // Does `work` without counting what this thread uses for it: then it is the client.
  template <class Work>
  void as_client(const Work& work) {
    before_ -= thread_cpu_ns();
    work();
    before_ += thread_cpu_ns();
  }

 private:
  std::int64_t before_;
};

// Measures how much memory grows from the constructor to report(), divided by `count` things that were made
// meanwhile. The counters are `user_bytes` (proportional set size of this process and its children) and
// `kernel_bytes` (system-wide, so it includes everything else that ran).
class MemoryGrowth {
 public:
  MemoryGrowth();
  void report(benchmark::State& state, std::size_t count) const;

 private:
  // Read in this order: while kernel memory settles, threads that have ended disappear.
  std::optional<std::int64_t> kernel_, user_;
};

// Keeps the calling thread, and the threads and processes that it starts, on its current core.
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
