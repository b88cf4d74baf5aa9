// Replies as Redis would give them, for the tests of the bus.
#pragma once

#include <string>
#include <utility>

#include "bus/wire.hpp"

namespace comet::bus {

inline Reply text(std::string value) { return {Reply::Kind::text, std::move(value), 0, {}}; }
inline Reply error(std::string value) { return {Reply::Kind::error, std::move(value), 0, {}}; }
inline Reply list(std::vector<Reply> items) { return {Reply::Kind::array, {}, 0, std::move(items)}; }

// An entry of the stream; number 0 is an epoch's first.
inline Reply stream_entry(const std::string& id, int n, const std::string& epoch = "e",
                          const std::string& origin = "o") {
  std::vector<Reply> fields{text("n"), text(std::to_string(n)), text("epoch"), text(epoch)};
  if (n > 0) {
    for (const char* word : {"channel", "all", "origin", origin.c_str(), "body"})
      fields.push_back(text(word));
    fields.push_back(text("m" + std::to_string(n)));
  }
  return list({text(id), list(std::move(fields))});
}
inline Reply read_reply(std::vector<Reply> entries) {
  return list({list({text("{comet}:bus"), list(std::move(entries))})});
}

}  // namespace comet::bus
