// Parsing, printing and issuing cursors.
#include "core/cursor.hpp"

#include <charconv>
#include <chrono>

namespace comet::core {
namespace {

std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Cursor> parse_cursor(std::string_view text) {
  if (text == "0") return Cursor{};
  const auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto milliseconds = parse_digits(text.substr(0, dash));
  const auto sequence = parse_digits(text.substr(dash + 1));
  if (!milliseconds || !sequence) return std::nullopt;
  return Cursor{*milliseconds, *sequence};
}

std::string to_string(Cursor cursor) {
  return std::to_string(cursor.milliseconds) + '-' + std::to_string(cursor.sequence);
}

Cursor next_cursor(Cursor last, std::uint64_t now_milliseconds) {
  if (now_milliseconds > last.milliseconds) return {now_milliseconds, 0};
  return {last.milliseconds, last.sequence + 1};
}

std::uint64_t unix_milliseconds() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace comet::core
