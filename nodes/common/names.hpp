// Names that nobody guesses and nobody else has.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace comet::nodes {

// 128 bits of chance from the kernel, in hexadecimal digits.
inline std::string random_name() {
  std::random_device kernel;
  std::string name;
  for (int i = 0; i < 32; ++i) name += "0123456789abcdef"[kernel() % 16];
  return name;
}

}  // namespace comet::nodes
