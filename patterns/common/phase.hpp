// Where a connection is in its life. One set for the five, so that they can be read side by side. Which
// phases a pattern uses depends on its model: if a thread blocks, the line that it is at says what a
// phase would say.
#pragma once

#include <cstdint>

namespace comet::common {

enum class Phase : std::uint8_t {
  idle,       // waits for a request
  reading,    // a request has begun and not ended: --header-timeout runs
  working,    // a publish does its blocking work in a pool of threads
  held,       // waits for a message
  writing,    // an answer waits for room in the socket
  answered,   // the answer is sent; the next request may have come already
  refused,    // over the limit of connections: gets its 503
  lingering,  // the last answer is sent; waits for the client to close
  closed,
};

}  // namespace comet::common
