// One entry of the stream that all servers share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bus/wire.hpp"
#include "core/cursor.hpp"

namespace comet::bus {

using core::Cursor;

struct Entry {
  Cursor cursor;        // its ID
  std::uint64_t n = 0;  // counts the entries of an epoch; the first is 0 and has no message
  std::string epoch;    // another one: the log has begun anew, and what came before may be gone
  std::string channel;
  std::string origin;  // names the publish, so that its publisher finds it here
  std::string body;

  bool is_message() const { return n > 0; }
};

// Of XRANGE's reply. Throws WireError if it is no list of such entries; an error reply too.
std::vector<Entry> entries_of(const Reply& reply);
// Of XREAD's reply for one stream; none if it is nil.
std::vector<Entry> read_entries_of(const Reply& reply);

}  // namespace comet::bus
