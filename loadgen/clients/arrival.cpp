// Receive timestamps: see arrival.hpp.
#include "loadgen/clients/arrival.hpp"

#include <sys/socket.h>
#include <time.h>

#include <array>
#include <cstring>

#include "loadgen/clock.hpp"

namespace comet::loadgen {
namespace {

constexpr std::int64_t kWide = 500;  // ns: between the two readings of now_ns(), if nothing comes between
constexpr int kAttempts = 4;

std::int64_t in_ns(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

std::int64_t time_of_day_ns() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return in_ns(time);
}

// The stamp among what recvmsg() said beside the bytes; 0 if there is none.
std::int64_t stamp_in(msghdr& message) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec time{};
    std::memcpy(&time, CMSG_DATA(part), sizeof time);
    return in_ns(time);
  }
  return 0;
}

}  // namespace

void stamp_arrivals(int socket) {
  const int on = 1;
  setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

// A reading that was interrupted would move every stamp: of several, the one with the shortest gap counts.
void ArrivalClock::compare() {
  std::int64_t narrowest = INT64_MAX;
  for (int attempt = 0; attempt < kAttempts && narrowest > kWide; ++attempt) {
    const std::int64_t before = now_ns();
    const std::int64_t time_of_day = time_of_day_ns();
    const std::int64_t gap = now_ns() - before;
    if (gap >= narrowest) continue;
    narrowest = gap;
    ahead_ns_ = time_of_day - before - gap / 2;
  }
}

Received ArrivalClock::receive(int socket, char* buffer, std::size_t size) const {
  iovec bytes{buffer, size};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  Received received;
  received.size = recvmsg(socket, &message, 0);
  if (received.size <= 0) return received;
  const std::int64_t stamp = stamp_in(message);
  if (stamp != 0) received.arrived_ns = stamp - ahead_ns_;
  return received;
}

}  // namespace comet::loadgen
