// A server of known faults for the tests of the load generator: it delivers each message a known time after
// its publish, and loses or repeats known deliveries. Channels and cursors as in the contract. One thread, poll(),
// in the test's own process.
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

// Deliveries are numbered from 1 in the order in which they are due; those of channel "smoke" are not.
struct Faults {
  std::chrono::milliseconds delay{
      0};                       // of every publish's deliveries and answer, and of an answer to timeout=0
  std::vector<int> lost{};      // the message is not sent: its subscriber gets the next one
  std::vector<int> repeated{};  // and sent once more to the same subscriber's next request
  std::vector<int> twice{};     // and sent once more at once, in one piece with it
  std::vector<int> wrong{};     // other bytes than were published
  bool wrong_smoke = false;     // the same, of channel "smoke"
  bool expensive = false;       // each message has long headers of its own, so that a client must parse
  std::optional<int> pid{};     // what /stats says
  bool closes = false;          // every answer ends its connection
  std::chrono::milliseconds leave{0};  // for so long /stats counts a held request whose client has left
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
    std::string channel;  // that it is held on; empty: it is not held
    int requests = 0;     // that are held, each of which counts
    std::string repeat;   // what its next subscribe is answered with
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
  std::vector<Due> due_;                    // in the order of their times, for all have the same delay
  std::vector<Clock::time_point> leaving_;  // until when they count as held
  std::map<std::string, std::vector<std::string>> logs_;  // by channel; message n has cursor 1-n
  int deliveries_ = 0;
  int messages_ = 0;
  std::thread thread_;
};

}  // namespace comet::test
