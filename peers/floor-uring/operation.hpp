// What belongs to a completion of io_uring.
#pragma once

#include <cstdint>

namespace comet::floor {

enum class Kind : std::uint8_t { accept, receive, send, close, mail, stop };

// What io_uring carries from a submission to its completion, in 64 bits. A send also says where
// its bytes are.
struct Operation {
  Kind kind;
  int connection = 0;
  unsigned outgoing = 0;

  std::uint64_t pack() const {
    return static_cast<std::uint64_t>(kind) << 56 | static_cast<std::uint64_t>(connection) << 32 | outgoing;
  }
  static Operation unpack(std::uint64_t bits) {
    return {static_cast<Kind>(bits >> 56), static_cast<int>(bits >> 32 & 0xffffff),
            static_cast<unsigned>(bits)};
  }
};

}  // namespace comet::floor
