// Requests at fixed times, however fast the server is. If one is answered late, the next on its connection
// is sent late. That delay is measured too, because every time is counted from the moment at which the
// request was due.
#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "loadgen/clients/http.hpp"

namespace comet::loadgen {

struct Pace {
  std::int64_t start_ns = 0;
  std::int64_t interval_ns = 0;
  std::int64_t count = 0;
  // Requests not sent by then are never sent, so that a slow server cannot run on for ever.
  std::int64_t last_ns = 0;

  std::int64_t due_ns(std::int64_t request) const { return start_ns + request * interval_ns; }
};

// Several connections: to one server, or one to each of several.
class Connections {
 public:
  Connections(const Endpoint& endpoint, std::int64_t count);
  explicit Connections(const std::vector<Endpoint>& endpoints);
  std::size_t size() const { return clients_.size(); }
  HttpClient& operator[](std::size_t index) { return clients_[index]; }

 private:
  std::deque<HttpClient> clients_;  // a deque, because they cannot be moved
};

class PacedRequests {
 public:
  // Request i belongs to channel i % channels. All requests of a channel go through one connection, so that
  // they keep their order. `make` is called just before a request is sent and returns its bytes. Each request
  // must be answered with `status`. The connections outlive this object.
  PacedRequests(Connections& connections, std::int64_t channels, Pace pace, unsigned status,
                std::function<std::string(std::int64_t)> make);

  bool done() const;
  // Receives the answers that have come and sends the requests that are due, without waiting.
  // Throws std::runtime_error.
  void step();
  // Adds the sockets that wait for an answer, and lowers `next_ns` to the time at which the next
  // request is due.
  void wait_for(std::vector<pollfd>& sockets, std::int64_t& next_ns) const;

  // From the time at which a request was due: until it was sent, and until it was answered.
  const std::vector<std::int64_t>& lags() const { return lags_; }
  const std::vector<std::int64_t>& latencies() const { return latencies_; }
  // Requests that were due before the previous one on their connection was answered.
  std::int64_t waited() const { return waited_; }

 private:
  // One connection and its requests.
  struct Line {
    HttpClient* client;
    std::deque<std::int64_t> due;  // requests that are due and not sent
    std::int64_t sent = -1;        // the request that waits for its answer, or -1
    std::int64_t sent_ns = 0;
    std::int64_t answered_ns = 0;
  };

  Line& line_of(std::int64_t request);
  void receive(Line& line);
  void send(Line& line);

  std::vector<Line> lines_;
  std::int64_t channels_;
  Pace pace_;
  unsigned status_;
  std::function<std::string(std::int64_t)> make_;
  std::int64_t next_ = 0;  // the first request that is not yet due
  std::int64_t waited_ = 0;
  std::vector<std::int64_t> lags_;
  std::vector<std::int64_t> latencies_;
};

// Steps all until each is done. `check` is called every 100 ms at least and may throw.
void run_paced(const std::vector<PacedRequests*>& all, const std::function<void()>& check);

}  // namespace comet::loadgen
