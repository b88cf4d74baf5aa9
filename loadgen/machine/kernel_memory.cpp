// Kernel memory from /proc: see kernel_memory.hpp.
#include "loadgen/machine/kernel_memory.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

// The number after `before` in the first line that starts so; -1 when there is none.
std::int64_t read_number(const char* path, const std::string& line_start, const std::string& before) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(line_start)) continue;
    const std::size_t at = line.find(before);
    if (at != std::string::npos) return std::atoll(line.c_str() + at + before.size());
  }
  return -1;
}

}  // namespace

std::optional<std::int64_t> kernel_memory() {
  std::int64_t total = 0;
  for (const char* name : {"Slab:", "KernelStack:", "PageTables:"}) {
    const std::int64_t kibibytes = read_number("/proc/meminfo", name, ":");
    if (kibibytes < 0) return std::nullopt;
    total += kibibytes * 1024;
  }
  const std::int64_t pages = read_number("/proc/net/sockstat", "TCP:", " mem ");
  if (pages < 0) return std::nullopt;
  return total + pages * sysconf(_SC_PAGESIZE);
}

std::optional<std::int64_t> settled_kernel_memory() {
  constexpr std::int64_t kStillBytes = 256L * 1024;
  constexpr int kStillSamples = 2;
  auto last = kernel_memory();
  for (int sample = 0, still = 0; last && sample < 12 && still < kStillSamples; ++sample) {
    throw_if_interrupted();
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    const auto next = kernel_memory();
    if (!next) return std::nullopt;
    still = std::abs(*next - *last) < kStillBytes ? still + 1 : 0;
    last = next;
  }
  return last;
}

}  // namespace comet::loadgen
