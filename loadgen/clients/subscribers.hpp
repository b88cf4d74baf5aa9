// The subscribers of one client process: keep-alive connections that each have one GET held, and send the
// next as soon as it is answered, or when they are told to. One thread, one epoll. A delivery costs one
// recvmsg, one comparison, one reading of the clock and one send, and allocates nothing except room for
// its latencies.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "loadgen/clients/arrival.hpp"
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
  // One message at a time: if it arrives after the next was published, it is late and counts as lost.
  bool rounds = false;
  // Rounds only: who has the newest message sends the next request when told to, by ask_again().
  bool ask_when_told = false;
};

class Subscribers {
 public:
  // `schedule` outlives this object. Throws std::runtime_error if the kernel refuses an epoll.
  Subscribers(const SubscriberSettings& settings, const Schedule& schedule);
  // Closes with RST, so that no port stays in TIME_WAIT.
  ~Subscribers();
  Subscribers(const Subscribers&) = delete;
  Subscribers& operator=(const Subscribers&) = delete;

  // Starts up to `count` more connections; each sends its request as soon as it is connected.
  void open(std::int64_t count);
  std::int64_t opened() const { return opened_; }
  // Those that have waited for it since the newest message send their next request. Until the next message,
  // later deliveries ask again at once.
  void ask_again();
  // Closes connection number `index`, in the order of opening.
  void leave(std::int64_t index) { disconnect(static_cast<std::uint32_t>(index)); }

  // Adds a descriptor that wakes poll().
  void watch(int descriptor);
  // Handles what has arrived. Waits up to `timeout_ns` for the first event, without limit if that is below 0.
  // True if the watched descriptor is readable.
  bool poll(std::int64_t timeout_ns);

  void copy_counts(ClientCounts& counts) const;
  // Rounds only: how many messages had been published, once every connected subscriber has the newest; 0
  // before that.
  std::int64_t round_done() const { return outstanding_ == 0 ? round_ : 0; }

  const std::vector<std::int64_t>& latencies() const { return latencies_; }
  // Until the last byte was at the socket: the part that this process has nothing to do with.
  const std::vector<std::int64_t>& socket_latencies() const { return socket_latencies_; }
  // How long the last event of a batch waited for this process itself, including full batches before it.
  const std::vector<std::int64_t>& lags() const { return lags_; }
  // For each timed message its number, its first and its last delivery.
  std::vector<std::int64_t> spans() const;
  // How often something went wrong or was not expected, by kind ("status_503", "closed", "late",
  // "missed", "timeout_204", ...).
  const std::map<std::string, std::int64_t>& events() const { return events_; }

 private:
  static constexpr std::uint32_t kWatchedDescriptor = UINT32_MAX;  // in place of a connection's index

  enum class State : std::uint8_t { kClosed, kConnecting, kWaiting, kFailed };
  struct Connection {
    int socket = -1;
    std::uint32_t last = 0;  // the newest message of its channel that it has received
    State state = State::kClosed;
    bool answered = false;  // since it was connected
    // It received a message twice, perhaps as two responses to one request. Then the next response need not
    // belong to the next request, so it is replaced by a new connection. What is published meanwhile is
    // lost to that.
    bool repeated = false;
    bool may_ask = false;  // has the newest message, and asks again when told
  };
  struct Message {
    std::string bytes;         // a parsed and checked response with this message; others are compared with it
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
  // Connects again or sends the next request: at once, or when told.
  void ask(std::uint32_t index);
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
  void count_arrival(std::int64_t due_ns, std::int64_t read_ns);
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
  std::unordered_map<std::uint32_t, std::string>
      requests_after_timeout_;  // requests with the cursor of a 204
  int epoll_ = -1;
  std::array<epoll_event, 256> ready_;
  bool batch_full_ = false;  // the last batch was full, so more events may be ready
  ArrivalClock arrival_clock_;
  std::int64_t arrived_ns_ = 0;        // when the bytes that are handled came; 0 if that is not known
  std::int64_t batches_start_ns_ = 0;  // of the last batch, or of the first of several in a row

  std::int64_t opened_ = 0;
  std::int64_t waiting_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t delivered_ = 0;
  std::int64_t duplicate_ = 0;
  std::int64_t wrong_ = 0;
  std::int64_t last_arrival_ns_ = 0;
  std::int64_t last_delivery_ns_ = 0;
  std::int64_t response_bytes_ = 0;
  std::int64_t told_ = 0;                // messages that were published when ask_again() came last
  std::vector<std::uint32_t> answered_;  // that wait for it; in the order of delivery
  std::int64_t round_ = 0;               // published messages when it began
  std::int64_t outstanding_ = -1;        // connections that do not have its message yet
  std::vector<std::int64_t> latencies_;
  std::vector<std::int64_t> socket_latencies_;
  std::vector<std::int64_t> lags_;
  std::map<std::string, std::int64_t> events_;
};

}  // namespace comet::loadgen
