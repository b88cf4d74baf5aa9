// Numbers as text, for people and for files.
#pragma once

#include <cstdint>
#include <string>

namespace comet::loadgen {

constexpr double kMebibyte = 1024 * 1024;

// 12345 as "12,345"; with one decimal 1234.56 as "1,234.6".
std::string with_commas(std::int64_t number);
std::string with_commas(double number, int decimals);

// With three significant digits, but every digit before the point: "12,345", "4.56". A whole number has
// no decimals.
std::string three_digits(double number);

// As programs write it: 94000 as "94000", 0.5 as "0.5".
std::string plain_number(double number);

}  // namespace comet::loadgen
