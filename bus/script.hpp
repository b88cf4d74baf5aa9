// The one script that writes: it opens the log, and publishes. Redis runs it as one step.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/cursor.hpp"

namespace comet::bus {

constexpr std::string_view kStream = "{comet}:bus";  // the braces: both keys live in one place of a cluster
constexpr std::string_view kMeta = "{comet}:meta";

// What the caller knows of the log, and how long it may get.
struct LogState {
  core::Cursor seen;      // the newest entry that the caller has read; 0: none
  std::string new_epoch;  // a name that nobody else gives, if the log has to begin anew
  std::size_t most = 0;   // entries that the stream keeps at least
};

struct NewMessage {
  std::string channel;
  std::string origin;
  std::string body;
};

// Replies with the epoch and the last ID. If there is no log, or if it ends before what the caller has seen (it
// was flushed, or a replica that lacked its end took over), it begins anew, with an ID above all of these.
std::string open_command(const LogState& state);
// The same, and appends. Replies with the message's ID, or with an error that begins with LATE if Redis' clock
// has passed `deadline` (milliseconds): then nothing has changed.
std::string publish_command(const LogState& state, std::int64_t deadline, const NewMessage& message);

}  // namespace comet::bus
