// Network counters from /proc: see kernel_network.hpp.
#include "loadgen/machine/kernel_network.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace comet::loadgen {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream words(line);
  return {std::istream_iterator<std::string>(words), {}};
}

// /proc/net/snmp has a line of names and a line of values for each protocol.
std::optional<std::int64_t> retransmitted_segments() {
  std::ifstream file("/proc/net/snmp");
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("Tcp:")) continue;
    const std::vector<std::string> words = words_of(line);
    for (std::size_t i = 0; i < names.size() && i < words.size(); ++i)
      if (names[i] == "RetransSegs") return std::atoll(words[i].c_str());
    names = words;
  }
  return std::nullopt;
}

}  // namespace

std::optional<KernelNetwork> kernel_network() {
  const auto retransmitted = retransmitted_segments();
  std::ifstream file("/proc/net/softnet_stat");
  if (!retransmitted || !file) return std::nullopt;
  KernelNetwork totals{*retransmitted, 0};
  for (std::string line; std::getline(file, line);) {  // one line for each CPU, hexadecimal
    const std::vector<std::string> words = words_of(line);
    if (words.size() > 1) totals.dropped += std::strtoll(words[1].c_str(), nullptr, 16);
  }
  return totals;
}

}  // namespace comet::loadgen
