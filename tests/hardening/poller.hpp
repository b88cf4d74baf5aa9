// An ordinary client that polls with its last cursor and comes back when the server has ended the
// connection with an answer, and one that publishes. Both throw ClientError on anything that such a client
// would call an error.
#pragma once

#include <optional>
#include <string>

#include "tests/conformance/client.hpp"

namespace comet::test {

class Poller {
 public:
  // `query` is added to each poll: "&timeout=0.1"; `since` is the cursor to begin behind.
  Poller(std::uint16_t port, std::string channel, std::string query = "", std::string since = "0")
      : port_(port), channel_(std::move(channel)), query_(std::move(query)), cursor_(std::move(since)) {}

  // The next message; nothing where the hold time was over.
  std::optional<std::string> poll();
  // poll() in two steps: its request, and what was answered to it.
  void ask();
  std::optional<std::string> take();
  // Asks for the next message and leaves before it reads the answer.
  void ask_and_leave(bool by_reset);

 private:
  std::string request() const;

  std::uint16_t port_;
  std::string channel_;
  std::string query_;
  std::string cursor_;
  std::optional<Connection> connection_;
};

class Publisher {
 public:
  Publisher(std::uint16_t port, std::string channel) : port_(port), channel_(std::move(channel)) {}

  // How many held requests it woke.
  int publish(std::string_view message);

 private:
  std::uint16_t port_;
  std::string channel_;
  std::optional<Connection> connection_;
};

}  // namespace comet::test
