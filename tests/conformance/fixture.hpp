// The base of every test: starts the entry under test on a free port, talks to it, waits for events by its
// counters, and at the end of the test asks it to drain and checks what it leaves.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/conformance/client.hpp"
#include "tests/conformance/entry.hpp"
#include "tests/conformance/server_process.hpp"

namespace comet::test {

// The contract's 1 s for a client that has left, and what a busy machine may add before the next look at
// /stats.
constexpr std::chrono::milliseconds kReleaseBound{2'000};
// The contract's 5 s for a drain, and the same allowance.
constexpr std::chrono::milliseconds kDrainBound{6'000};

// What the command line of the suite chose.
struct UnderTest {
  Entry entry;
  std::filesystem::path program;  // of its command's first word
};
UnderTest& under_test();

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
  // Longest life of this test from now on, instead of 50 s; one that still runs then is ended, with its
  // server.
  static void watch_dog(unsigned seconds);

  // SIGTERM, then finish().
  void drain();
  // Waits for the exit that a signal has asked for: status 0 within kDrainBound, nothing on standard output
  // but READY, no sanitizer report, no process left behind.
  void finish();
  // The test has ended the server in a way of its own.
  void forget_server() { server_.reset(); }

  Connection connect(int receive_buffer = 0) { return Connection(server_->port(), receive_buffer); }
  // Sends one request on a connection of its own.
  Response exchange(std::string_view bytes);
  Response get(std::string_view target);
  Response head(std::string_view target);
  Response publish(std::string_view message, const std::string& channel = "all");
  // Publishes big_message() and sends `requests` for it, and returns when the first answer has begun. None of it
  // has been read, so the write lasts. The server needs --max-message of its size.
  Connection ask_for_big_message(std::string_view requests);
  static const std::string& big_message();  // larger than the sockets' buffers
  // Subscribes and returns once the server counts one more held request.
  Connection hold(std::string_view target = "/subscribe");

  // A number of /stats; throws ClientError if it is not there.
  std::int64_t stat(const std::string& name);
  // Asks /stats until `name` is `value`; a failure of the test says what it stayed at.
  void wait_for(const std::string& name, std::int64_t value, std::chrono::milliseconds bound = patience());

 private:
  std::unique_ptr<ServerProcess> server_;
};

// A cursor, ordered. Throws ClientError if `text` is neither 0 nor MILLISECONDS-SEQUENCE.
std::pair<std::uint64_t, std::uint64_t> cursor(const std::string& text);
// The cursor that an answer carries.
std::string cursor_of(const Response& response);

void expect_message(const Response& response, std::string_view message);
void expect_nothing_new(const Response& response);  // the 204 of /subscribe
// The status, and what every error carries: a one-line text body and its length.
void expect_error(const Response& response, int status);
// An error after which the server closes the connection, whatever followed the bad bytes.
void expect_error_and_close(Connection& connection, int status);
void expect_retry_after(const Response& response);

}  // namespace comet::test
