// Publishes over one connection after another. Commands out; replies, and what the stream's reader reads, in.
//
// Redis must not publish what its publisher was told had failed, even if it was stopped meanwhile. So each publish
// carries its deadline, in Redis' own time, which is asked for on each connection.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "bus/entry.hpp"
#include "bus/script.hpp"
#include "core/response.hpp"

namespace comet::bus {

class Publisher {
 public:
  using Clock = std::chrono::steady_clock;
  // How a publish ended: the message's cursor, or why it was not published.
  struct Outcome {
    std::optional<Cursor> cursor;
    core::Refusal refusal{};
  };
  using Done = std::function<void(const Outcome&)>;

  // `name`: one that no other publisher has.
  explicit Publisher(std::string name) : name_(std::move(name)) {}

  // On each new connection: the first command.
  std::string connect();
  // False until Redis has said its time.
  bool is_connected() const { return redis_ahead_.has_value(); }
  std::size_t pending() const { return pending_.size(); }
  // The command that publishes. `done` is called once, from take(), note() or give_up().
  std::string publish(std::string channel, std::string body, const LogState& state,
                      Clock::time_point deadline, Done done);
  // Throws WireError if the connection must be closed.
  void take(const Reply& reply, Clock::time_point now);
  // What was sent on it may have been done: note() will say so, or else give_up().
  void lose_connection();
  // An entry of the stream, which may be one of this publisher's.
  void note(const Entry& entry);
  // Ends those whose deadline and the time for looking them up are over.
  void give_up(Clock::time_point now);

 private:
  struct Pending {
    Clock::time_point deadline;
    Done done;
  };
  void end(const std::string& origin, const Outcome& outcome);

  const std::string name_;
  std::uint64_t number_ = 0;
  std::optional<std::chrono::milliseconds> redis_ahead_;  // Redis' time less ours, as it is at least
  std::deque<std::string> sent_;                          // origins, in the order of their replies
  std::unordered_map<std::string, Pending> pending_;      // by origin
};

}  // namespace comet::bus
