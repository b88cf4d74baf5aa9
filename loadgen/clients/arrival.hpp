// When bytes came to this machine. The kernel stamps each packet as it enters the network stack
// (SO_TIMESTAMPNS), so the time for which the bytes then wait in the socket, until a busy client reads them,
// is not in it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace comet::loadgen {

// Asks the kernel for the stamps of this socket. Without them, if it refuses, only the latency at the socket
// is not known.
void stamp_arrivals(int socket);

struct Received {
  ssize_t size = 0;  // as recv() returns it; below 0, errno says why
  // When the last of these bytes came, by the clock of now_ns(); 0 if not stamped.
  std::int64_t arrived_ns = 0;
};

// Reads sockets that are stamped. The stamps are by the time of day, which may be set at any time; everything
// else here is by now_ns().
class ArrivalClock {
 public:
  // Compares the two clocks, at most 0.2 us apart as a rule. To be called before each batch of reads.
  void compare();
  Received receive(int socket, char* buffer, std::size_t size) const;

 private:
  std::int64_t ahead_ns_ = 0;  // of the time of day before now_ns()
};

}  // namespace comet::loadgen
