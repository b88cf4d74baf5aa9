// Requests at fixed times: see paced_requests.hpp.
#include "loadgen/clients/paced_requests.hpp"

#include <algorithm>
#include <stdexcept>

#include "loadgen/clock.hpp"

namespace comet::loadgen {
namespace {

constexpr std::int64_t kAnswerTimeout = 10 * kSecond;

}  // namespace

Connections::Connections(const Endpoint& endpoint, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) clients_.emplace_back(endpoint).connect();
}

Connections::Connections(const std::vector<Endpoint>& endpoints) {
  for (const Endpoint& endpoint : endpoints) clients_.emplace_back(endpoint).connect();
}

PacedRequests::PacedRequests(Connections& connections, std::int64_t channels, Pace pace, unsigned status,
                             std::function<std::string(std::int64_t)> make)
    : channels_(channels), pace_(pace), status_(status), make_(std::move(make)) {
  for (std::size_t i = 0; i < connections.size(); ++i) lines_.push_back({&connections[i], {}});
}

PacedRequests::Line& PacedRequests::line_of(std::int64_t request) {
  return lines_[static_cast<std::size_t>(request % channels_) % lines_.size()];
}

bool PacedRequests::done() const {
  return next_ == pace_.count && std::all_of(lines_.begin(), lines_.end(), [](const Line& line) {
           return line.sent < 0 && line.due.empty();
         });
}

void PacedRequests::receive(Line& line) {
  const Response response = line.client->receive();
  if (response.status != status_)
    throw std::runtime_error("a request at a fixed rate was answered " + std::to_string(response.status) +
                             " where " + std::to_string(status_) + " was expected");
  line.answered_ns = now_ns();
  latencies_.push_back(line.answered_ns - pace_.due_ns(line.sent));
  line.sent = -1;
}

void PacedRequests::send(Line& line) {
  const std::int64_t number = line.due.front();
  const std::string request = make_(number);
  line.client->connect();
  line.due.pop_front();
  line.sent = number;
  line.sent_ns = now_ns();
  lags_.push_back(line.sent_ns - pace_.due_ns(number));
  if (line.answered_ns > pace_.due_ns(number)) ++waited_;
  line.client->send(request);
}

void PacedRequests::step() {
  const std::int64_t now = now_ns();
  for (; next_ < pace_.count && pace_.due_ns(next_) <= now; ++next_) line_of(next_).due.push_back(next_);
  for (Line& line : lines_) {
    if (line.sent >= 0 && line.client->readable()) receive(line);
    if (line.sent >= 0 && now - line.sent_ns > kAnswerTimeout)
      throw std::runtime_error("a request at a fixed rate was not answered within 10 s");
    if (now > pace_.last_ns) line.due.clear();
    if (line.sent < 0 && !line.due.empty()) send(line);
  }
}

void PacedRequests::wait_for(std::vector<pollfd>& sockets, std::int64_t& next_ns) const {
  if (next_ < pace_.count) next_ns = std::min(next_ns, pace_.due_ns(next_));
  for (const Line& line : lines_)
    if (line.sent >= 0) sockets.push_back({line.client->socket(), POLLIN, 0});
}

void run_paced(const std::vector<PacedRequests*>& all, const std::function<void()>& check) {
  std::int64_t checked_ns = now_ns();
  for (;;) {
    std::vector<pollfd> sockets;
    std::int64_t next_ns = now_ns() + 100 * kMillisecond;
    for (PacedRequests* requests : all) {
      requests->step();
      requests->wait_for(sockets, next_ns);
    }
    if (std::all_of(all.begin(), all.end(), [](const PacedRequests* requests) { return requests->done(); }))
      return;
    const std::int64_t wait_ns = std::max<std::int64_t>(0, next_ns - now_ns());
    const timespec timeout{wait_ns / kSecond, wait_ns % kSecond};
    ppoll(sockets.data(), sockets.size(), &timeout, nullptr);
    if (now_ns() - checked_ns < 50 * kMillisecond) continue;
    checked_ns = now_ns();
    check();
  }
}

}  // namespace comet::loadgen
