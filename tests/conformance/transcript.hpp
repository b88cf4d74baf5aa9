// What a test did and saw, in order: what it sent and what came on each connection, and what happened to its
// servers. A failing test prints it. It is bounded: of many events the first and the last are kept, of many
// bytes the first.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace comet::test {

// All members may be called from any thread.
class Transcript {
 public:
  void begin();          // a test begins: its clock is 0, and nothing has happened yet
  int add_connection();  // the number of a new connection: 1, 2, ...

  void sent(int connection, std::string_view bytes) { add(connection, '>', bytes); }
  void received(int connection, std::string_view bytes) { add(connection, '<', bytes); }
  // Anything else, said in words; 0: of no connection. The same again at once is left out.
  void happened(const std::string& what, int connection = 0) { add(connection, ' ', what); }

  // A paragraph for each event: seconds since the beginning, connection, > or <, the bytes. Every byte
  // is printable.
  std::string text() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Event {
    Clock::time_point first, last;  // its bytes may have come in pieces
    int connection;
    char direction;
    std::string bytes;  // the first of them
    std::size_t size;   // of them all
  };
  void add(int connection, char direction, std::string_view bytes);
  std::string line(const Event& event) const;

  mutable std::mutex mutex_;
  Clock::time_point begin_ = Clock::now();
  int connections_ = 0;
  std::deque<Event> events_;
  std::size_t left_out_ = 0;  // events between the first and the last that are kept
};

// The transcript of the test that runs.
Transcript& transcript();

}  // namespace comet::test
