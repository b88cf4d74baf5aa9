// Progress lines: see progress.hpp.
#include "loadgen/progress.hpp"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "loadgen/clock.hpp"

namespace comet {
namespace {

constexpr std::int64_t kTerminalInterval = 100 * kMillisecond;
constexpr std::int64_t kPlainInterval = 5 * kSecond;

}  // namespace

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::start(std::string title) {
  title_ = std::move(title);
  held_ = delivered_ = 0;
  last_shown_ns_ = now_ns();
}

void Progress::phase(const std::string& name) {
  phase_ = name;
  show(terminal_);
}

void Progress::counts(std::int64_t held, std::int64_t delivered) {
  held_ = held;
  delivered_ = delivered;
  show(false);
}

void Progress::show(bool at_once) {
  const std::int64_t now = now_ns();
  if (!at_once && now - last_shown_ns_ < (terminal_ ? kTerminalInterval : kPlainInterval)) return;
  last_shown_ns_ = now;
  std::fprintf(stderr,
               terminal_ ? "\r%s: %s, %s held, %s delivered\033[K" : "%s: %s, %s held, %s delivered\n",
               title_.c_str(), phase_.c_str(), with_commas(held_).c_str(), with_commas(delivered_).c_str());
}

void Progress::finish(const std::string& outcome) {
  clear();
  std::fprintf(stderr, "%s: %s\n", title_.c_str(), outcome.c_str());
}

void Progress::clear() {
  if (terminal_) std::fprintf(stderr, "\r\033[K");
}

std::string with_commas(std::int64_t number) {
  const std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > first && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace comet
