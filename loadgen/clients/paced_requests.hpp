// Requests at fixed times, whatever the server does: one that is answered late delays the next on its
// connection, and that delay counts, for every time runs from when the request was due.
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
  std::int64_t last_ns = 0;  // what could not leave by then does not: a server that is too slow ends, too

  std::int64_t due_ns(std::int64_t request) const { return start_ns + request * interval_ns; }
};

// Several connections to one server.
class Connections {
 public:
  Connections(const Endpoint& endpoint, std::int64_t count);
  std::size_t size() const { return clients_.size(); }
  HttpClient& operator[](std::size_t index) { return clients_[index]; }

 private:
  std::deque<HttpClient> clients_;  // which cannot be moved
};

class PacedRequests {
 public:
  // Request i is of channel i % channels, and each channel has one connection, so that its requests keep
  // their order. `make` gives the request with the number it is called with, just before it is sent. Each
  // must be answered with `status`. The connections outlive it.
  PacedRequests(Connections& connections, std::int64_t channels, Pace pace, unsigned status,
                std::function<std::string(std::int64_t)> make);

  bool done() const;
  // Receives what has come and sends what is due, without waiting. Throws std::runtime_error.
  void step();
  // Adds the sockets whose answers are awaited; lowers `next_ns` to when the next request is due.
  void wait_for(std::vector<pollfd>& sockets, std::int64_t& next_ns) const;

  // From when it was due until it was sent, and until it was answered.
  const std::vector<std::int64_t>& lags() const { return lags_; }
  const std::vector<std::int64_t>& latencies() const { return latencies_; }
  // Requests that were due before the one before them on their connection was answered.
  std::int64_t waited() const { return waited_; }

 private:
  struct Lane {
    HttpClient* client;
    std::deque<std::int64_t> due;  // requests that are due and not sent
    std::int64_t sent = -1;        // the one whose answer is awaited, or -1
    std::int64_t sent_ns = 0;
    std::int64_t answered_ns = 0;
  };

  Lane& lane_of(std::int64_t request);
  void receive(Lane& lane);
  void send(Lane& lane);

  std::vector<Lane> lanes_;
  std::int64_t channels_;
  Pace pace_;
  unsigned status_;
  std::function<std::string(std::int64_t)> make_;
  std::int64_t next_ = 0;  // not yet due
  std::int64_t waited_ = 0;
  std::vector<std::int64_t> lags_;
  std::vector<std::int64_t> latencies_;
};

// Steps all until each is done. `check` is called every 100 ms at least and may throw.
void run_paced(const std::vector<PacedRequests*>& all, const std::function<void()>& check);

}  // namespace comet::loadgen
