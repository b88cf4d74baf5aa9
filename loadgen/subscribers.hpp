// The N subscribers: keep-alive connections that hold one GET each and ask again at once when it is answered.
// One thread, one epoll; a delivery costs one recv, one comparison and one send, and allocates nothing.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "loadgen/http.hpp"

namespace comet {

// What the subscribers received, added up since begin_round().
struct RoundCounts {
  std::int64_t delivered = 0;
  std::int64_t duplicate = 0;  // a message that this connection already had
  std::int64_t wrong = 0;      // a 200 whose body is no message that was published
  std::int64_t first_ns = 0;   // time of the first and last delivery
  std::int64_t last_ns = 0;
};

class Subscribers {
 public:
  // `count` subscribers of `channel`. The message of round R has message_body(R) as its body. Throws
  // std::runtime_error when the kernel gives no epoll.
  Subscribers(Endpoint endpoint, const std::string& channel, std::size_t count);
  // Leaves with RST, so that no port stays behind in TIME_WAIT.
  ~Subscribers();
  Subscribers(const Subscribers&) = delete;
  Subscribers& operator=(const Subscribers&) = delete;

  // Starts up to `count` more connections; each sends its request as soon as it is connected.
  void open(std::size_t count);
  std::size_t opened() const { return opened_; }
  // Connections that have a request out.
  std::size_t waiting() const { return waiting_; }
  // Connections that were refused, closed or answered with an error, and stay so.
  std::size_t failed() const { return failed_; }

  // From here on the message of `round` (1 and up) is expected, latency counts from `intended_ns`, and each
  // delivery appends its latency in nanoseconds to `latencies`, which must outlive the round.
  void begin_round(std::uint32_t round, std::int64_t intended_ns, std::vector<std::int64_t>& latencies);
  const RoundCounts& counts() const { return counts_; }

  // Handles what has arrived, waiting up to `timeout_ms` for the first event. Returns the number of events; 0
  // also when a signal came.
  int poll(int timeout_ms);

  // What went wrong or was not expected, by kind ("status_503", "closed", "late", "timeout_204", ...).
  const std::map<std::string, std::int64_t>& events() const { return events_; }

  // 64 bytes with the round in them, so that each message is told from every other.
  static std::string message_body(std::uint32_t round);

 private:
  enum class State : std::uint8_t { kClosed, kConnecting, kWaiting, kFailed };
  struct Connection {
    int socket = -1;
    std::uint32_t last_round = 0;  // the newest message it has received
    State state = State::kClosed;
    bool answered = false;  // since it was connected
  };

  void connect(std::uint32_t index);
  void request(std::uint32_t index);
  void on_connected(std::uint32_t index);
  void on_readable(std::uint32_t index, bool ended);
  bool read_once(std::uint32_t index, bool ended);
  void on_bytes(std::uint32_t index, std::string_view bytes);
  // False when the connection is not to be asked again as it is.
  bool on_response(std::uint32_t index, const Response& response);
  void on_message(Connection& connection, const Response& response);
  void count_delivery(Connection& connection);
  void disconnect(std::uint32_t index);
  void fail(std::uint32_t index, const std::string& kind);
  void on_closed(std::uint32_t index, const std::string& kind);

  Endpoint endpoint_;
  std::string request_;
  std::vector<Connection> connections_;
  std::size_t opened_ = 0;
  std::size_t waiting_ = 0;
  std::size_t failed_ = 0;
  int epoll_ = -1;
  std::array<epoll_event, 256> ready_;
  std::unordered_map<std::uint32_t, std::string> partial_;  // bytes of responses that did not arrive whole

  std::uint32_t round_ = 0;
  std::int64_t intended_ns_ = 0;
  std::vector<std::int64_t>* latencies_ = nullptr;
  std::string body_;
  std::string
      expected_bytes_;  // a parsed and checked response of this round; the others are compared with it
  RoundCounts counts_;
  std::map<std::string, std::int64_t> events_;
};

}  // namespace comet
