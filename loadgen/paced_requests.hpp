// Requests at fixed times on one connection, whatever the server does: one that is answered late delays the
// next, and that delay counts, for every time runs from when the request was due.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "loadgen/http.hpp"

namespace comet {

struct Pace {
  std::int64_t start_ns = 0;
  std::int64_t interval_ns = 0;
  std::int64_t count = 0;

  std::int64_t due_ns(std::int64_t request) const { return start_ns + request * interval_ns; }
};

class PacedRequests {
 public:
  // `make` gives the request with the number it is called with, just before it is sent. Each must be answered
  // with `status`.
  PacedRequests(HttpClient& client, Pace pace, unsigned status, std::function<std::string(std::int64_t)> make)
      : client_(client), pace_(pace), status_(status), make_(std::move(make)) {}

  bool done() const { return answered_ == pace_.count; }
  bool awaits_answer() const { return sent_ > answered_; }
  // When the next request is due; only when no answer is awaited.
  std::int64_t due_ns() const { return pace_.due_ns(sent_); }
  int socket() const { return client_.socket(); }
  // Receives what has come and sends what is due, without waiting. Throws std::runtime_error.
  void step();

  // From when it was due until it was sent, and until it was answered.
  const std::vector<std::int64_t>& lags() const { return lags_; }
  const std::vector<std::int64_t>& latencies() const { return latencies_; }

 private:
  HttpClient& client_;
  Pace pace_;
  unsigned status_;
  std::function<std::string(std::int64_t)> make_;
  std::int64_t sent_ = 0;
  std::int64_t answered_ = 0;
  std::vector<std::int64_t> lags_;
  std::vector<std::int64_t> latencies_;
};

// Steps all until each is done. `check` is called every 100 ms at least and may throw.
void run_paced(const std::vector<PacedRequests*>& all, const std::function<void()>& check);

}  // namespace comet
