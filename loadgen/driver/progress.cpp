// Progress lines: see progress.hpp.
#include "loadgen/driver/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "loadgen/clock.hpp"
#include "loadgen/numbers.hpp"

namespace comet::loadgen {
namespace {

constexpr std::int64_t kTerminalInterval = 100 * kMillisecond;
constexpr std::int64_t kPlainInterval = 5 * kSecond;

}  // namespace

Progress::Progress() : terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::start(std::string title, std::optional<double> remaining_seconds) {
  title_ = std::move(title);
  remaining_seconds_ = remaining_seconds;
  held_ = delivered_ = 0;
  started_ns_ = last_shown_ns_ = now_ns();
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
  std::string line =
      title_ + ": " + phase_ + ", " + with_commas(held_) + " held, " + with_commas(delivered_) + " delivered";
  if (remaining_seconds_) {
    const double spent = static_cast<double>(now - started_ns_) / kSecond;
    line += ", about " + duration_text(std::max(1.0, *remaining_seconds_ - spent)) + " left";
  }
  // The terminal cuts what is longer than it is wide, because automatic margins are switched off.
  std::fprintf(stderr, terminal_ ? "\r\033[?7l%s\033[K\033[?7h" : "%s\n", line.c_str());
}

void Progress::finish(const std::string& outcome) {
  clear();
  std::fprintf(stderr, "%s: %s\n", title_.c_str(), outcome.c_str());
}

void Progress::clear() {
  if (terminal_) std::fprintf(stderr, "\r\033[K");
}

std::string duration_text(double seconds) {
  const auto whole = std::llround(seconds);
  if (whole < 60) return std::to_string(whole) + " s";
  return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
}

}  // namespace comet::loadgen
