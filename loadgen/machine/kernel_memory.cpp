// Kernel memory from /proc: see kernel_memory.hpp.
#include "loadgen/machine/kernel_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "loadgen/machine/proc_file.hpp"
#include "loadgen/machine/proc_names.hpp"
#include "loadgen/signals.hpp"

namespace comet::loadgen {
namespace {

// "TCP: inuse 5 orphan 0 tw 0 alloc 6 mem 2": the number of pages.
std::optional<std::int64_t> tcp_pages() {
  const std::string text = read_proc_file("/proc/net/sockstat");
  const auto words = words_of(line_after(text, "TCP:").value_or(""));
  const auto name = std::find(words.begin(), words.end(), "mem");
  return name == words.end() || name + 1 == words.end() ? std::nullopt : number_in(name[1]);
}

}  // namespace

std::optional<std::int64_t> kernel_memory() {
  const auto pages = tcp_pages();
  if (!pages) return std::nullopt;
  std::int64_t total = *pages * sysconf(_SC_PAGESIZE);
  const std::string text = read_proc_file("/proc/meminfo");
  for (const char* name : {"Slab:", "KernelStack:", "PageTables:"}) {
    const auto kibibytes = number_after(text, name);
    if (!kibibytes) return std::nullopt;
    total += *kibibytes * 1024;
  }
  return total - proc_name_bytes();
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
