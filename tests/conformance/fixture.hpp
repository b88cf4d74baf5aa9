// The base of every test: starts the entry under test on a free port, talks to it, waits for events by its
// counters, and at the end of the test asks it to end and checks what it leaves.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/conformance/client.hpp"
#include "tests/conformance/contract.hpp"
#include "tests/conformance/expectations.hpp"
#include "tests/conformance/server_process.hpp"
#include "tests/conformance/under_test.hpp"

namespace comet::test {

// The contract's 1 s for a client that has left, and what a busy machine may add before the next
// look at /stats.
constexpr std::chrono::milliseconds kReleaseBound{2'000};
// The contract's 5 s for a drain, and the same allowance.
constexpr std::chrono::milliseconds kDrainBound{6'000};

class ServerTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Starts the entry with `options` added, ready for `connections` at once. Waits for READY.
  void start(const std::vector<std::string>& options = {}, int connections = 64,
             const Surroundings& surroundings = {});
  // A run of its own beside the test's server, not waited for.
  std::unique_ptr<ServerProcess> launch(const CommandValues& values, const Surroundings& surroundings = {});
  ServerProcess& server() { return *server_; }
  // Longest life of this test from now on, instead of 50 s; one that still runs then fails, and its
  // server is ended.
  static void watch_dog(unsigned seconds);

  // SIGTERM, then finish().
  void drain();
  // Waits for the exit that a signal has asked for: within kDrainBound, no process left behind, no
  // sanitizer report. Of an entry that keeps `drain` status 0, of one that keeps `process` nothing on
  // standard output but READY.
  void finish();
  // The test has ended the server in a way of its own.
  void forget_server() { server_.reset(); }

  Connection connect(int receive_buffer = 0) { return Connection(server_->port(), receive_buffer); }
  // Sends one request on a connection of its own.
  Response exchange(std::string_view bytes);
  Response get(std::string_view target);
  Response head(std::string_view target);
  Response publish(std::string_view message, const std::string& channel = "all");
  // Publishes big_message() and sends `requests` for it, and returns when the first answer has begun. None of
  // it has been read, so the write lasts. The server needs --max-message of its size.
  Connection ask_for_big_message(std::string_view requests);
  static const std::string& big_message();  // larger than the sockets' buffers

  // Subscribes on a new connection and returns once the request is held.
  Connection hold(std::string_view target = "/subscribe");
  // Sends `bytes`, whose first request is a subscribe, and returns once that is held: the server counts one
  // more, or, if the entry does not keep `stats`, the server has read it and then sleeps.
  void hold_on(Connection& connection, std::string_view bytes);
  // Until the server has read all that was sent, and then does nothing any more.
  void wait_until_settled(const Connection& connection);
  // What a held subscriber of channel `all` gets when a publish is sent as it stands here.
  std::string delivered_by(std::string_view publish_request);

  // A number of /stats; throws ClientError if it is not there. Only `held` is of the part `stats`, others are
  // of `counters`.
  std::int64_t stat(const std::string& name);
  // Asks /stats until `name` is `value`; a failure of the test says what it stayed at.
  void wait_for(const std::string& name, std::int64_t value, std::chrono::milliseconds bound = patience());

 private:
  bool serves();
  // As stat(), but not told in the story.
  std::int64_t read_stat(const std::string& name);

  std::unique_ptr<ServerProcess> server_;
};

}  // namespace comet::test
