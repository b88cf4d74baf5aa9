// What a person sees meanwhile, on standard error: one line that changes on a terminal, plain
// lines elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace comet::loadgen {

class Progress {
 public:
  Progress();
  ~Progress() { clear(); }

  // Begins a piece of work, "[3/27] async at 1,000". The estimate is for it and for all work that follows.
  void start(std::string title, std::optional<double> remaining_seconds);
  void phase(const std::string& name);
  // Cheap enough to be called every few milliseconds.
  void counts(std::int64_t held, std::int64_t delivered);
  // Prints the outcome of the work as a line that stays.
  void finish(const std::string& outcome);
  void clear();

 private:
  void show(bool at_once);

  bool terminal_;
  std::string title_;
  std::string phase_;
  std::int64_t held_ = 0;
  std::int64_t delivered_ = 0;
  std::int64_t started_ns_ = 0;
  std::int64_t last_shown_ns_ = 0;
  std::optional<double> remaining_seconds_;
};

// 125 as "2 min 5 s".
std::string duration_text(double seconds);

}  // namespace comet::loadgen
