// A position in a channel's log: MILLISECONDS-SEQUENCE, the form of a Redis Streams entry id
// (https://redis.io/docs/latest/develop/data-types/streams/#entry-ids), so that a bus can issue them (--joined).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace comet::core {

struct Cursor {
  std::uint64_t milliseconds = 0;  // Unix time
  std::uint64_t sequence = 0;

  auto operator<=>(const Cursor&) const = default;
};

// "0" or "MILLISECONDS-SEQUENCE" in decimal digits; anything else, overflow included, is nullopt.
std::optional<Cursor> parse_cursor(std::string_view text);
std::string to_string(Cursor cursor);

// The cursor of the message that follows `last`: the clock's, unless the clock has not moved on or went back.
Cursor next_cursor(Cursor last, std::uint64_t now_milliseconds);

// Milliseconds of Unix time.
std::uint64_t unix_milliseconds();

}  // namespace comet::core
