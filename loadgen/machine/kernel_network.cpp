// Network counters from /proc: see kernel_network.hpp.
#include "loadgen/machine/kernel_network.hpp"

#include <string>
#include <vector>

#include "loadgen/machine/proc_file.hpp"

namespace comet::loadgen {
namespace {

// /proc/net/snmp has a line of names and a line of values for each protocol.
std::optional<std::int64_t> retransmitted_segments() {
  const std::string text = read_proc_file("/proc/net/snmp");
  std::vector<std::string_view> names;
  for (const std::string_view line : lines_of(text)) {
    if (!line.starts_with("Tcp:")) continue;
    const auto words = words_of(line);
    for (std::size_t i = 0; i < names.size() && i < words.size(); ++i)
      if (names[i] == "RetransSegs") return number_in(words[i]);
    names = words;
  }
  return std::nullopt;
}

// /proc/net/softnet_stat has a line of hexadecimal numbers for each CPU.
std::optional<std::int64_t> dropped_packets() {
  const std::string text = read_proc_file("/proc/net/softnet_stat");
  std::optional<std::int64_t> total;
  for (const std::string_view line : lines_of(text)) {
    const auto words = words_of(line);
    if (words.size() > 1) total = total.value_or(0) + number_in(words[1], 16).value_or(0);
  }
  return total;
}

}  // namespace

std::optional<KernelNetwork> kernel_network() {
  const auto retransmitted = retransmitted_segments();
  const auto dropped = dropped_packets();
  if (!retransmitted || !dropped) return std::nullopt;
  return KernelNetwork{*retransmitted, *dropped};
}

}  // namespace comet::loadgen
