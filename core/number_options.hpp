// Numbers on a command line, as people write them: decimal digits. CLI11 alone reads 010 as octal and 0x10 as
// hexadecimal, and takes -5 as a huge number if the option has no sign.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
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

// Checks an option that takes a whole number from `least` to `most`.
inline CLI::Validator whole_number(std::uint64_t least, std::uint64_t most) {
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  return {[=](const std::string& text) -> std::string {
            if (has_needless_zero(text)) return "'" + text + "' begins with 0: leave that out";
            const auto value = parse_whole_number(text);
            if (value && *value >= least && *value <= most) return {};
            return "'" + text + "' is not a whole number from " + range + " in decimal digits";
          },
          range};
}

// Checks an option that takes decimal seconds from `least` to `most`.
inline CLI::Validator decimal_seconds(double least, double most) {
  return {[=](const std::string& text) -> std::string {
            if (has_needless_zero(text)) return "'" + text + "' begins with 0: leave that out";
            double value = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
            const bool is_number = error == std::errc{} && stop == end;
            if (is_number && value >= least && value <= most) return {};  // no comparison holds for nan
            char range[80];
            std::snprintf(range, sizeof range, "%g to %g", least, most);
            return "'" + text + "' is not a number of seconds from " + range;
          },
          ""};
}

}  // namespace comet::core
