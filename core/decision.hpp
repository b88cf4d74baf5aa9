// What the core makes of a connection's bytes. A pattern handles the two verbs and passes everything
// else through.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "core/cursor.hpp"
#include "core/options.hpp"
#include "core/response.hpp"

namespace comet::core {

// More bytes are needed before anything can be decided.
struct NeedsInput {};

// Answer with the first message after `since`, or hold until there is one.
struct Subscribe {
  std::string channel;
  std::optional<Cursor> since;  // nullopt: only what is published from now on
  Milliseconds hold{0};         // 0: answer at once
  ReplyForm form;
  bool joined = false;  // another server may have given it a cursor that this one has not reached
};

// Append to the channel's log, wake its held requests, answer.
struct Publish {
  std::string channel;
  std::string body;
  ReplyForm form;
  Cursor cursor{};  // of a joined server: the message's; else 0: the log gives it one
};

// A finished answer (stats, errors, 100 Continue): send it, then ask for the next decision, or close.
struct Reply {
  Response response;
};

using Decision = std::variant<NeedsInput, Subscribe, Publish, Reply>;

}  // namespace comet::core
