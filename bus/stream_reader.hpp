// Reads the stream from its first entry to its end and on, over one connection after another, and finds every
// gap. Replies in, commands and events out.
//
//   connected --> opening --> beginning --> catching up --> following
//                    |  (nothing has been read, or the epoch    ^  |      ^  |
//                    |   is another one)                        |  '------'  |  XREAD BLOCK, again and again
//                    '---- the epoch is the known one ----------'            |
//                              beginning <-------- a gap, from either -------'
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "bus/entry.hpp"

namespace comet::bus {

// The log begins anew behind this cursor: whatever was read before is not continued.
struct Begins {
  Cursor cursor;
};
// All that was in the stream when Redis answered has been read.
struct CaughtUp {};
using Event = std::variant<Begins, Entry, CaughtUp>;

class StreamReader {
 public:
  // `most`: entries that the stream keeps; `block`: how long Redis waits for the next before it says that
  // there is none. So an answer comes at least that often.
  StreamReader(std::size_t most, std::uint64_t block_milliseconds)
      : most_(most), block_(std::to_string(block_milliseconds)) {}

  struct Step {
    std::string command;  // to send now
    std::vector<Event> events;
  };
  // On each new connection: the first command. `new_epoch` as in LogState.
  std::string connect(const std::string& new_epoch);
  // Throws WireError if the connection must be closed; connect() goes on from where it was.
  Step take(const Reply& reply);

  // What was read is not continued: the next connection begins anew.
  void forget() { epoch_.clear(); }

  // The newest entry that was ever read; 0: none.
  Cursor seen() const { return seen_; }

 private:
  enum class State { opening, beginning, catching_up, following };

  Step begin();
  std::string read_on(State state);
  bool follows(const Entry& entry) const { return entry.epoch == epoch_ && entry.n == n_ + 1; }
  void note(const Entry& entry);

  const std::size_t most_;
  const std::string block_;
  State state_ = State::opening;
  // Of the last entry that was read.
  std::string epoch_;  // empty: nothing is continued
  std::uint64_t n_ = 0;
  Cursor position_;
  Cursor seen_;
};

}  // namespace comet::bus
