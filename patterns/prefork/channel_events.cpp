// Model: prefork. Opening the events of the channels, and writing to them.
// Owner of a connection: not this file.
// Runs on: the master before the first fork; publish() of any worker; the master after a worker was killed.
// Wakes a held request: notify().
#include "patterns/prefork/channel_events.hpp"

#include <sys/eventfd.h>

#include <cerrno>

#include "patterns/common/startup.hpp"

namespace comet::prefork {
using namespace common;
namespace {

// The number is never read; it would be full after 2^64 writes.
void write_to(int event) {
  if (eventfd_write(event, 1) != 0) fail("writing the event of a channel", errno);
}

}  // namespace

ChannelEvents::ChannelEvents() {
  for (int& event : events_) {
    event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0) fail("eventfd", errno);
  }
}

void ChannelEvents::notify(std::uint64_t channel_hash) const { write_to(of(channel_hash)); }

void ChannelEvents::notify_all() const {
  for (const int event : events_) write_to(event);
}

}  // namespace comet::prefork
