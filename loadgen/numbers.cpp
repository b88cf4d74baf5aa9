// Numbers as text: see numbers.hpp.
#include "loadgen/numbers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace comet::loadgen {
namespace {

std::string printed(const char* format, int precision, double number) {
  std::array<char, 400> text;  // the largest double has 309 digits before its point
  std::snprintf(text.data(), text.size(), format, precision, number);
  return text.data();
}

std::string separate_thousands(std::string digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = std::min(digits.find('.'), digits.size()); at > first + 3; at -= 3)
    digits.insert(at - 3, 1, ',');
  return digits;
}

}  // namespace

std::string with_commas(std::int64_t number) { return separate_thousands(std::to_string(number)); }

std::string with_commas(double number, int decimals) {
  const double unit = std::pow(10, decimals);
  const double rounded = std::round(number * unit) / unit + 0.0;  // + 0: of -0, "0"
  return separate_thousands(printed("%.*f", decimals, rounded));
}

std::string three_digits(double number) {
  const bool whole = number == std::round(number);
  const int digits_before_point = whole ? 3 : static_cast<int>(std::floor(std::log10(std::abs(number)))) + 1;
  return with_commas(number, std::clamp(3 - digits_before_point, 0, 6));
}

std::string plain_number(double number) { return printed("%.*g", 10, number); }

}  // namespace comet::loadgen
