// Model: prefork. The epoll of a worker.
// Owner of a connection: the worker.
// Runs on: that worker.
// Wakes a held request: sleep() returns, when the event of the channel is written or the client leaves.
#include "patterns/prefork/worker_epoll.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>

#include "patterns/common/startup.hpp"

namespace comet::prefork {
using namespace common;
namespace {

enum Source : std::uint32_t { kDrain, kListener, kRetirement, kClient, kChannel };

void watch(int epoll, int descriptor, std::uint32_t events, Source source) {
  epoll_event event{};
  event.events = events;
  event.data.u32 = source;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl", errno);
}

void stop_watching(int epoll, int descriptor) {
  if (epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nullptr) != 0) fail("epoll_ctl", errno);
}

}  // namespace

int milliseconds_until(Clock::time_point until) {
  const auto left = std::chrono::ceil<Milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

void WorkerEpoll::open(int drain_event) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) fail("epoll_create1", errno);
  watch(epoll_, drain_event, EPOLLIN, kDrain);
}

void WorkerEpoll::watch_for_connections(int listener, int retirement) {
  watch(epoll_, listener, EPOLLIN | EPOLLEXCLUSIVE, kListener);
  watch(epoll_, retirement, EPOLLIN | EPOLLEXCLUSIVE, kRetirement);
}

void WorkerEpoll::stop_watching_for_connections(int listener, int retirement) {
  stop_watching(epoll_, listener);
  stop_watching(epoll_, retirement);
}

void WorkerEpoll::watch_client(int socket) { watch(epoll_, socket, EPOLLIN, kClient); }

void WorkerEpoll::watch_channel(int event) {
  if (event == channel_event_) return;
  stop_watching_channel();
  watch(epoll_, event, EPOLLIN | EPOLLET, kChannel);
  channel_event_ = event;
}

void WorkerEpoll::stop_watching_channel() {
  if (channel_event_ < 0) return;
  stop_watching(epoll_, channel_event_);
  channel_event_ = -1;
}

Wakeup WorkerEpoll::sleep(Clock::time_point until) const {
  epoll_event events[3];
  const int count = epoll_wait(epoll_, events, 3, milliseconds_until(until));
  if (count < 0 && errno != EINTR) fail("epoll_wait", errno);
  Wakeup wakeup;
  for (int i = 0; i < count; ++i) {
    wakeup.client = wakeup.client || events[i].data.u32 == kClient;
    wakeup.retirement = wakeup.retirement || events[i].data.u32 == kRetirement;
  }
  return wakeup;
}

}  // namespace comet::prefork
