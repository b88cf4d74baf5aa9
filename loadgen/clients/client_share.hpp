// What the driver and its client processes exchange: counters in shared memory, commands and
// reports as packets.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace comet::loadgen {

// Written by the driver. Messages are numbered from 0 over all channels, in the order of publishing:
// message i is number i / channels + 1 of channel i % channels, and was due at base_ns + (i - base_message)
// * interval_ns.
struct Schedule {
  std::atomic<std::int64_t> published{0};  // set before the message leaves
  std::atomic<std::int64_t> base_message{0};
  std::atomic<std::int64_t> base_ns{0};
  std::atomic<std::int64_t> interval_ns{0};
  std::atomic<bool> timed{false};  // latencies are recorded

  std::int64_t due_ns(std::int64_t message) const { return base_ns + (message - base_message) * interval_ns; }
};

// Written by one client process after each batch of events.
struct alignas(64) ClientCounts {
  std::atomic<std::int64_t> opened{0};  // connections that were started
  std::atomic<std::int64_t> failed{
      0};  // were refused, closed or answered with an error, and are not opened again
  std::atomic<std::int64_t> waiting{0};  // are waiting for an answer now
  std::atomic<std::int64_t> left{0};     // churn: have left
  std::atomic<std::int64_t> delivered{0};
  std::atomic<std::int64_t> duplicate{0};  // a message that this connection already had
  std::atomic<std::int64_t> wrong{0};      // a 200 whose body is no message that was published on its channel
  // Rounds: when the newest byte of a message was at its socket.
  std::atomic<std::int64_t> last_arrival_ns{0};
  std::atomic<std::int64_t> last_delivery_ns{0};  // when the newest of them was delivered
  std::atomic<std::int64_t> response_bytes{0};    // of the last response with a message that was parsed
  std::array<char, 128> error{};                  // why it ended with status 1, as a C string
};

enum class CommandKind : std::int32_t {
  kOpen,      // `count` more connections
  kArrive,    // churn: `count` arrivals from `start_ns` on, `interval_ns` apart, each for `hold_ns`
  kAskAgain,  // all that have the newest message send their next request, then answer kDone
  kCollect,   // write the samples to the file, then answer kDone
};

struct Command {
  CommandKind kind;
  std::int64_t count = 0;
  std::int64_t start_ns = 0;
  std::int64_t interval_ns = 0;
  std::int64_t hold_ns = 0;
};

enum class ReportKind : std::int32_t {
  kRoundDone,  // every subscriber of this client that is still connected has the newest message
  kDone,       // with the last command
};

struct Report {
  ReportKind kind;
  std::int64_t message = 0;  // kRoundDone: messages published by then
};

}  // namespace comet::loadgen
