// Whole numbers as people write them: decimal digits.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace comet::core {

// As in 010, which some programs read as 8 and others as 10.
inline bool has_needless_zero(std::string_view text) {
  return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

// nullopt unless `text` is a number in decimal digits alone and fits.
inline std::optional<std::uint64_t> parse_whole_number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || has_needless_zero(text)) return std::nullopt;
  return value;
}

}  // namespace comet::core
