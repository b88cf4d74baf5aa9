// Checks of numbers on a command line by CLI11, which alone reads 010 as octal and 0x10 as hexadecimal, and
// takes -5 as a huge number if the option has no sign.
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>

#include "core/whole_number.hpp"

namespace comet::core {

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
