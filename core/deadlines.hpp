// When each connection's time is over. Connections use a handful of durations (header, idle and hold
// time-outs), and among equal durations the first set ends first: one first-in-first-out list per duration,
// each change O(1), and one timer per owner instead of one per connection. Plain data with a single owner.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <map>
#include <optional>

namespace comet::core {

using Clock = std::chrono::steady_clock;

// A base of whatever has a deadline. Leaves its list when destroyed.
struct Deadline
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  Clock::time_point at;
};

class Deadlines {
 public:
  // Replaces the deadline set before, if any.
  void set(Deadline& deadline, Clock::time_point now, std::chrono::milliseconds after) {
    deadline.unlink();
    deadline.at = now + after;
    lists_[after].push_back(deadline);
  }

  static void cancel(Deadline& deadline) { deadline.unlink(); }

  // The earliest deadline, or nullopt if none is set. Forgets durations that are out of use.
  std::optional<Clock::time_point> next() {
    std::optional<Clock::time_point> earliest;
    for (auto list = lists_.begin(); list != lists_.end();) {
      if (list->second.empty()) {
        list = lists_.erase(list);
        continue;
      }
      if (!earliest || list->second.front().at < *earliest) earliest = list->second.front().at;
      ++list;
    }
    return earliest;
  }

  // Takes out one deadline that is over, or null.
  Deadline* take_expired(Clock::time_point now) {
    for (auto& [duration, list] : lists_) {
      if (list.empty() || list.front().at > now) continue;
      Deadline& expired = list.front();
      list.pop_front();
      return &expired;
    }
    return nullptr;
  }

 private:
  using List = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;
  std::map<std::chrono::milliseconds, List> lists_;
};

}  // namespace comet::core
