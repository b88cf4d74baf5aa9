// Step 4 of every server: what a poll finds in its channel's log.
#pragma once

#include "core/channel_log.hpp"
#include "core/decision.hpp"

namespace comet::core {

// If the log has a message, it is sent. If not, a request that does not want to wait gets its 204; any
// other is held.
enum class Outcome { message, no_content, hold };

inline Outcome outcome_of(bool has_message, const Subscribe& request) {
  if (has_message) return Outcome::message;
  return request.hold == Milliseconds{0} ? Outcome::no_content : Outcome::hold;
}

struct Lookup {
  Outcome outcome;
  const Message* message;  // with Outcome::message; valid until the next append or drop
  Cursor last;             // the log's end, or the request's cursor if that is ahead: the cursor of a 204
  ReplyForm form;          // of the answer, now or after the hold: `missed` is filled in
};

inline Lookup look_up(const ChannelLog& log, const Subscribe& request) {
  const Cursor since = request.since.value_or(log.last());
  const auto [message, missed, last] = log.first_after(since, request.joined);
  Lookup found{outcome_of(message != nullptr, request), message, last, request.form};
  found.form.missed = missed;
  return found;
}

}  // namespace comet::core
