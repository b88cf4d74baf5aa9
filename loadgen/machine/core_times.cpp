// Time of cores: see core_times.hpp.
#include "loadgen/machine/core_times.hpp"

#include <string>

#include "loadgen/machine/proc_file.hpp"

namespace comet::loadgen {

// "cpu0 USER NICE SYSTEM IDLE IOWAIT IRQ SOFTIRQ STEAL GUEST GUEST_NICE"; the line "cpu" is the sum.
std::vector<CoreTimes> core_times() {
  constexpr std::size_t kIdle = 4, kWaiting = 5, kSteal = 8;
  std::vector<CoreTimes> all;
  const std::string text = read_proc_file("/proc/stat");
  for (const std::string_view line : lines_of(text)) {
    const auto words = words_of(line);
    if (words.size() <= kSteal || !words[0].starts_with("cpu") || words[0] == "cpu") continue;
    CoreTimes times;
    for (std::size_t i = 1; i <= kSteal; ++i) {
      const std::int64_t ticks = number_in(words[i]).value_or(0);
      if (i == kSteal)
        times.stolen += ticks;
      else if (i == kIdle || i == kWaiting)
        times.idle += ticks;
      else
        times.busy += ticks;
    }
    all.push_back(times);
  }
  return all;
}

std::optional<CoreUse> core_use(const std::vector<CoreTimes>& before, const std::vector<CoreTimes>& after) {
  if (before.size() != after.size()) return std::nullopt;
  CoreUse use;
  std::int64_t stolen = 0, all = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::int64_t busy = after[i].busy - before[i].busy;
    const std::int64_t taken = after[i].stolen - before[i].stolen;
    const std::int64_t ticks = busy + taken + after[i].idle - before[i].idle;
    use.busy.push_back(ticks <= 0 ? 0 : static_cast<double>(busy) / static_cast<double>(ticks));
    stolen += taken;
    all += ticks;
  }
  if (all <= 0) return std::nullopt;
  use.stolen_percent = 100 * static_cast<double>(stolen) / static_cast<double>(all);
  return use;
}

}  // namespace comet::loadgen
