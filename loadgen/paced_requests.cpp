// Requests at fixed times: see paced_requests.hpp.
#include "loadgen/paced_requests.hpp"

#include <poll.h>

#include <algorithm>
#include <stdexcept>

#include "loadgen/clock.hpp"

namespace comet {

void PacedRequests::step() {
  if (awaits_answer() && client_.readable()) {
    const Response response = client_.receive();
    if (response.status != status_)
      throw std::runtime_error("a request at a fixed rate was answered " + std::to_string(response.status) +
                               " where " + std::to_string(status_) + " was expected");
    latencies_.push_back(now_ns() - pace_.due_ns(answered_));
    ++answered_;
  }
  if (awaits_answer() || sent_ == pace_.count || due_ns() > now_ns()) return;
  const std::string request = make_(sent_);
  client_.connect();
  lags_.push_back(now_ns() - due_ns());
  client_.send(request);
  ++sent_;
}

void run_paced(const std::vector<PacedRequests*>& all, const std::function<void()>& check) {
  std::int64_t checked_ns = now_ns();
  for (;;) {
    std::vector<pollfd> sockets;
    std::int64_t next_ns = now_ns() + 100 * kMillisecond;
    bool done = true;
    for (PacedRequests* requests : all) {
      requests->step();
      if (requests->done()) continue;
      done = false;
      if (requests->awaits_answer())
        sockets.push_back({requests->socket(), POLLIN, 0});
      else
        next_ns = std::min(next_ns, requests->due_ns());
    }
    if (done) return;
    const std::int64_t wait_ns = std::max<std::int64_t>(0, next_ns - now_ns());
    const timespec timeout{wait_ns / kSecond, wait_ns % kSecond};
    ppoll(sockets.data(), sockets.size(), &timeout, nullptr);
    if (now_ns() - checked_ns < 50 * kMillisecond) continue;
    checked_ns = now_ns();
    check();
  }
}

}  // namespace comet
