// Keeps the events of a test, and writes them for a person to read.
#include "tests/conformance/transcript.hpp"

#include <algorithm>
#include <cstdio>

namespace comet::test {
namespace {

constexpr std::size_t kFirstEvents = 10;
constexpr std::size_t kLastEvents = 30;
constexpr std::size_t kMostBytes = 600;              // of one event
constexpr std::chrono::milliseconds kOnePiece{100};  // what comes within this time is one event
constexpr char kIndent[] = "               ";        // as wide as what stands before an event's first line

std::string picture_of(char byte) {
  if (byte >= ' ' && byte <= '~') return {byte};
  if (byte == '\r') return "\\r";
  if (byte == '\n') return "\\n\n";
  char escaped[8];
  std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(byte));
  return escaped;
}

// Each CRLF begins a new line; every other byte that is not printable is shown by its escape, a bare LF and a
// bare CR too.
std::string printable(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const bool is_line_end = bytes.starts_with("\r\n");
    if (text.ends_with('\n') && !is_line_end) text += kIndent;
    text += is_line_end ? "\n" : picture_of(bytes.front());
    bytes.remove_prefix(is_line_end ? 2 : 1);
  }
  return text;
}

}  // namespace

void Transcript::begin() {
  const std::lock_guard lock(mutex_);
  begin_ = Clock::now();
  connections_ = 0;
  left_out_ = 0;
  events_.clear();
}

int Transcript::add_connection() {
  const std::lock_guard lock(mutex_);
  return ++connections_;
}

void Transcript::add(int connection, char direction, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  if (!events_.empty()) {
    Event& last = events_.back();
    const bool same_side = last.connection == connection && last.direction == direction;
    if (same_side && direction == ' ' && last.bytes == bytes) return;
    if (same_side && direction != ' ' && now - last.last < kOnePiece) {
      last.bytes.append(bytes.substr(0, kMostBytes - std::min(kMostBytes, last.bytes.size())));
      last.size += bytes.size();
      last.last = now;
      return;
    }
  }
  events_.push_back(
      {now, now, connection, direction, std::string(bytes.substr(0, kMostBytes)), bytes.size()});
  if (events_.size() > kFirstEvents + kLastEvents) {
    events_.erase(events_.begin() + kFirstEvents);
    ++left_out_;
  }
}

std::string Transcript::line(const Event& event) const {
  const std::string connection = event.connection > 0 ? std::to_string(event.connection) : "";
  const std::chrono::duration<double> since = event.first - begin_;
  char start[40];
  std::snprintf(start, sizeof start, "%8.3f %3s %c ", since.count(), connection.c_str(), event.direction);
  std::string text = start + printable(event.bytes);
  if (event.size > event.bytes.size()) text += "... (" + std::to_string(event.size) + " bytes in all)";
  return text.ends_with('\n') ? text : text + "\n";
}

std::string Transcript::text() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    if (i == kFirstEvents && left_out_ > 0)
      text.append(kIndent).append("... " + std::to_string(left_out_) + " more ...\n");
    text += line(events_[i]);
  }
  return text;
}

Transcript& transcript() {
  static Transcript of_the_running_test;
  return of_the_running_test;
}

}  // namespace comet::test
