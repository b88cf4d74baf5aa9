// Subscribers of one client process: keep-alive connections that hold one GET each and ask again at once when
// it is answered. One thread, one epoll; a delivery costs one recv, one comparison, one clock and one send,
// and allocates nothing but a place for its latency.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "loadgen/clients/client_share.hpp"
#include "loadgen/clients/http.hpp"

namespace comet::loadgen {

struct SubscriberSettings {
  Endpoint endpoint;
  std::uint32_t first = 0;   // number of the first subscriber; subscriber n is on channel n % channels
  std::uint32_t stride = 1;  // to the next one of this process
  std::uint32_t count = 0;   // most connections
  std::uint32_t channels = 1;
  bool cursors = false;  // each request carries the last cursor
  bool rounds =
      false;  // one message at a time: one that comes after the next was published is late, and lost
};

class Subscribers {
 public:
  // Both outlive it. Throws std::runtime_error when the kernel gives no epoll.
  Subscribers(const SubscriberSettings& settings, const Schedule& schedule);
  // Leaves with RST, so that no port stays behind in TIME_WAIT.
  ~Subscribers();
  Subscribers(const Subscribers&) = delete;
  Subscribers& operator=(const Subscribers&) = delete;

  // Starts up to `count` more connections; each sends its request as soon as it is connected.
  void open(std::int64_t count);
  std::int64_t opened() const { return opened_; }
  // The connection that was opened as the `index`-th goes away.
  void leave(std::int64_t index) { disconnect(static_cast<std::uint32_t>(index)); }

  // Adds a descriptor that wakes poll().
  void watch(int descriptor);
  // Handles what has arrived, waiting up to `timeout_ns` for the first event; below 0: for as long as it
  // takes. True when the watched descriptor is readable.
  bool poll(std::int64_t timeout_ns);

  void copy_counts(ClientCounts& counts) const;
  // Published messages when every subscriber that can had the newest one; 0 before. Rounds only.
  std::int64_t round_done() const { return outstanding_ == 0 ? round_ : 0; }

  const std::vector<std::int64_t>& latencies() const { return latencies_; }
  // How long the last event of a batch waited for this process itself, full batches before it included.
  const std::vector<std::int64_t>& lags() const { return lags_; }
  // Message number, first and last delivery, for each timed message.
  std::vector<std::int64_t> spans() const;
  // What went wrong or was not expected, by kind ("status_503", "closed", "late", "timeout_204", ...).
  const std::map<std::string, std::int64_t>& events() const { return events_; }

 private:
  static constexpr std::uint32_t kWatchedDescriptor = UINT32_MAX;  // in place of a connection's index

  enum class State : std::uint8_t { kClosed, kConnecting, kWaiting, kFailed };
  struct Connection {
    int socket = -1;
    std::uint32_t last = 0;  // the newest message of its channel that it has received
    State state = State::kClosed;
    bool answered = false;  // since it was connected
    // It got a message twice: perhaps two responses to one request, so that what comes next need not be the
    // answer to the request that is out. To ask again would leave two out; a new connection has one, and lacks
    // what is published while it is made.
    bool repeated = false;
  };
  struct Message {
    std::string bytes;         // a parsed and checked response that carries it; others are compared with it
    std::string next_request;  // with its cursor
    std::int64_t first_ns = 0;
    std::int64_t last_ns = 0;
  };
  struct Channel {
    std::string request;            // without a cursor
    std::vector<Message> messages;  // by sequence
  };

  int wait(std::int64_t timeout_ns);  // number of ready events
  std::uint32_t channel_of(std::uint32_t index) const;
  std::int64_t number_of(std::uint32_t index, std::uint32_t sequence) const;
  const std::string& next_request(std::uint32_t index) const;
  void connect(std::uint32_t index);
  void request(std::uint32_t index);
  void on_connected(std::uint32_t index);
  void on_readable(std::uint32_t index, bool ended);
  bool read_once(std::uint32_t index, bool ended);
  std::uint32_t recognize(std::uint32_t index, std::string_view bytes) const;
  void on_bytes(std::uint32_t index, std::string_view bytes);
  bool on_response(std::uint32_t index, const Response& response, std::string_view bytes);
  void on_message(std::uint32_t index, const Response& response, std::string_view bytes);
  void remember(std::uint32_t index, std::uint32_t sequence, const Response& response,
                std::string_view bytes);
  void count_delivery(std::uint32_t index, std::uint32_t sequence);
  void begin_round();
  void disconnect(std::uint32_t index);
  void reconnect(std::uint32_t index);
  void fail(std::uint32_t index, const std::string& kind);
  void on_closed(std::uint32_t index, const std::string& kind);

  SubscriberSettings settings_;
  const Schedule& schedule_;
  std::vector<Connection> connections_;
  std::vector<Channel> channels_;
  std::unordered_map<std::uint32_t, std::string> partial_;  // bytes of responses that did not arrive whole
  std::unordered_map<std::uint32_t, std::string> resume_;   // requests with the cursor of a 204
  int epoll_ = -1;
  std::array<epoll_event, 256> ready_;
  bool batch_full_ = false;            // the last one: more may be ready
  std::int64_t batches_start_ns_ = 0;  // of the last batch, or of the first of several in a row

  std::int64_t opened_ = 0;
  std::int64_t waiting_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t delivered_ = 0;
  std::int64_t duplicate_ = 0;
  std::int64_t wrong_ = 0;
  std::int64_t round_ = 0;         // published messages when it began
  std::int64_t outstanding_ = -1;  // connections that still lack its message
  std::vector<std::int64_t> latencies_;
  std::vector<std::int64_t> lags_;
  std::map<std::string, std::int64_t> events_;
};

}  // namespace comet::loadgen
