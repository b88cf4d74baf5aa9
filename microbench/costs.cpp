#include "microbench/costs.hpp"

#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "loadgen/machine/kernel_memory.hpp"
#include "loadgen/machine/process_tree.hpp"
#include "patterns/common/startup.hpp"

namespace comet::microbench {
using namespace common;
using namespace loadgen;
namespace {

// Without the free memory that the heap keeps after earlier benchmarks.
std::optional<std::int64_t> user_memory() {
  malloc_trim(0);
  return proportional_set_size(process_tree({getpid()}));
}

std::int64_t children_cpu_ns() {
  std::vector<pid_t> tree = process_tree({getpid()});
  std::erase(tree, getpid());
  return process_cpu_ns(tree);
}

void count_growth(benchmark::State& state, const char* name, std::optional<std::int64_t> before,
                  std::optional<std::int64_t> after, std::size_t count) {
  if (before && after) {
    state.counters[name] = static_cast<double>(*after - *before) / static_cast<double>(count);
  }
}

}  // namespace

// Reading thousands of processes takes this one longer than a benchmark. So its own time is read last here,
// and first in report().
CpuOfAll::CpuOfAll() : before_(children_cpu_ns()) { before_ += process_cpu_ns({getpid()}); }

void CpuOfAll::report(benchmark::State& state) const {
  const std::int64_t own = process_cpu_ns({getpid()});
  const std::int64_t used = own + children_cpu_ns() - before_;
  state.counters["cpu_ns"] =
      benchmark::Counter(static_cast<double>(used), benchmark::Counter::kAvgIterations);
}

std::int64_t thread_cpu_ns() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) fail("clock_gettime", errno);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

MemoryGrowth::MemoryGrowth() : kernel_(settled_kernel_memory()), user_(user_memory()) {}

void MemoryGrowth::report(benchmark::State& state, std::size_t count) const {
  count_growth(state, "user_bytes", user_, user_memory(), count);
  count_growth(state, "kernel_bytes", kernel_, settled_kernel_memory(), count);
}

OneCore::OneCore(bool wanted) {
  if (sched_getaffinity(0, sizeof before_, &before_) != 0) fail("sched_getaffinity", errno);
  if (!wanted) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  if (sched_setaffinity(0, sizeof one, &one) != 0) fail("sched_setaffinity", errno);
}

OneCore::~OneCore() {
  if (sched_setaffinity(0, sizeof before_, &before_) != 0) fail("sched_setaffinity", errno);
}

}  // namespace comet::microbench
