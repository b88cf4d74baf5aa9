// Model: prefork. One eventfd per bell; see bells.hpp for how the wake-up travels.
// Owner of a connection: not this file; the master opens the bells before the first fork.
// Runs on: publish() of any worker, and the master after a worker's violent end.
// Wakes a held request: ring().
#include "patterns/prefork/bells.hpp"

#include <sys/eventfd.h>

#include <cerrno>

#include "patterns/common/startup.hpp"

namespace comet::prefork {
using namespace common;
namespace {

// The count is never read; it would be full after 2^64 rings.
void ring_one(int bell) {
  if (eventfd_write(bell, 1) != 0) fail("ringing a bell", errno);
}

}  // namespace

Bells::Bells() {
  for (int& bell : bells_) {
    bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell < 0) fail("eventfd", errno);
  }
}

void Bells::ring(std::uint64_t channel_hash) const { ring_one(of(channel_hash)); }

void Bells::ring_all() const {
  for (const int bell : bells_) ring_one(bell);
}

}  // namespace comet::prefork
