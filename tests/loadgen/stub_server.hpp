// A server of known faults for the tests of the load generator: it delivers each message a known time after
// its publish, and loses or repeats known deliveries. One thread, poll(), in the test's own process.
#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace comet {

// Deliveries are numbered from 1 in the order in which they are due.
struct Faults {
  std::chrono::milliseconds delay{0};  // from the publish to its deliveries, and to its own answer
  std::vector<int> lost{};             // the message is not sent: its subscriber stays held
  std::vector<int> repeated{};         // and sent once more to the same subscriber's next request
  std::vector<int> wrong{};            // other bytes than were published
  bool closes = false;                 // every answer ends its connection
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
    bool held = false;
    std::string repeat;  // what its next subscribe is answered with
  };
  struct Due {
    Clock::time_point at;
    std::string body;
    int publisher;  // its socket
  };

  void run();
  void read(Client& client);
  void answer(Client& client, std::string_view target, std::string_view body);
  void deliver(const Due& due);
  void send_text(Client& client, std::string_view body);
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
  int deliveries_ = 0;
  std::thread thread_;
};

}  // namespace comet
