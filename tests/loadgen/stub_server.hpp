// A server with known faults, for the tests of the load generator. It delivers each message a known time
// after its publish, and loses or repeats known deliveries. It has channels and cursors as in the contract,
// and runs as one thread with poll() in the test's own process.
#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace comet::test {

// Deliveries are numbered from 1 in the order in which they are due, without those of channel "smoke".
struct Faults {
  std::chrono::milliseconds delay{
      0};                       // of every publish's deliveries and answer, and of an answer to timeout=0
  std::vector<int> lost{};      // the message is not sent: its subscriber gets the next one
  std::vector<int> repeated{};  // sent again as the answer to the same subscriber's next request
  std::vector<int> twice{};     // sent again at once, in the same send()
  std::vector<int> wrong{};     // other bytes than were published
  bool wrong_smoke = false;     // the same, on channel "smoke"
  bool expensive = false;       // each message has its own long headers, so that a client must parse it
  std::optional<int> pid{};     // what /stats says
  bool closes = false;          // every answer ends its connection
  std::chrono::milliseconds hold{0};   // until /stats counts a request as held
  std::chrono::milliseconds leave{0};  // how long /stats still counts a held request whose client has left
};

class StubServer {
 public:
  explicit StubServer(Faults faults);
  ~StubServer();
  StubServer(const StubServer&) = delete;
  StubServer& operator=(const StubServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Client {
    int socket;
    std::string input;
    std::string channel;                        // on which it is held; empty if it is not
    std::vector<Clock::time_point> requests{};  // from when each of its held requests counts
    std::string repeat;                         // the answer to its next subscribe
  };
  struct Due {
    Clock::time_point at;
    std::string channel;  // empty: the asker's time-out, not a publish
    std::string body;
    int asker;  // its socket
  };

  void run();
  void read(Client& client);
  void answer(Client& client, std::string_view target, std::string_view body);
  void subscribe(Client& client, const std::string& channel, std::string_view since);
  void finish(const Due& due);
  bool deliver(Client& client, const std::string& channel, std::size_t position);
  std::string message(std::string_view body, std::size_t cursor);
  void send(Client& client, std::string_view bytes);
  static void end(Client& client);
  void accept_client();
  int wait_time() const;
  std::int64_t held() const;

  const Faults faults_;
  int listener_ = -1;
  int stop_[2] = {-1, -1};  // a pipe: closing its write end stops the thread
  std::uint16_t port_ = 0;
  std::vector<Client> clients_;
  std::vector<Due> due_;                    // in the order of their times, because all have the same delay
  std::vector<Clock::time_point> leaving_;  // until when they count as held
  std::map<std::string, std::vector<std::string>> logs_;  // by channel; message n has cursor 1-n
  int deliveries_ = 0;
  int messages_ = 0;
  std::thread thread_;
};

}  // namespace comet::test
