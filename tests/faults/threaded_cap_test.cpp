// comet-threaded at its cap: clients that take threads and ask nothing do not keep a publisher out.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <stop_token>
#include <thread>
#include <vector>

#include "tests/conformance/client.hpp"
#include "tests/conformance/server_process.hpp"

namespace comet::test {
namespace {

using std::chrono::milliseconds;

class ThreadedCap : public testing::Test {
 protected:
  ThreadedCap()
      : server_(THREADED_PROGRAM, ".", {THREADED_PROGRAM, "--port", "0", "--threads", "3"}, Surroundings{}) {
    server_.wait_until_ready(patience());
  }

  void TearDown() override {
    server_.signal(SIGTERM);
    EXPECT_EQ(server_.wait_for_exit(milliseconds(6000)), 0) << server_.errors();
  }

  Connection connect() { return Connection(server_.port()); }

  // Asks until it is not refused any more, as `Retry-After` says, only sooner. The default --idle-timeout is
  // longer than our patience.
  Response publish() {
    const auto give_up = std::chrono::steady_clock::now() + patience();
    while (true) {
      try {
        Connection publisher = connect();
        publisher.send(get_request("/publish?message=m"));
        Response response = publisher.read_response();
        if (response.status != 503 || std::chrono::steady_clock::now() > give_up) return response;
      } catch (const ClientError&) {  // closed without an answer: it had no thread when its request came
        if (std::chrono::steady_clock::now() > give_up) throw;
      }
      std::this_thread::sleep_for(milliseconds(10));
    }
  }

  ServerProcess server_;
};

TEST_F(ThreadedCap, SilentClientsLeaveAThreadToAPublisher) {
  std::vector<Connection> silent;
  for (int i = 0; i < 3; ++i) silent.push_back(connect());
  EXPECT_EQ(publish().status, 200);
}

TEST_F(ThreadedCap, IdleClientsLeaveAThreadToAPublisher) {
  std::vector<Connection> idle;
  for (int i = 0; i < 3; ++i) {
    idle.push_back(connect());
    idle.back().send(get_request("/healthz"));
    const Response response = idle.back().read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("Connection"), i == 2 ? "close" : "keep-alive") << "of client " << i;
  }
  EXPECT_EQ(publish().status, 200);
}

// Bytes that complete no request do not renew the time: two clients that send them forever are closed with
// --idle-timeout, and the one that has the last thread sooner.
TEST_F(ThreadedCap, ClientsThatSendOnlyEmptyLinesLeaveAThreadToAPublisher) {
  std::vector<Connection> empty;
  for (int i = 0; i < 3; ++i) empty.push_back(connect());
  std::jthread sender([&empty](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      for (Connection& client : empty) client.send("\r\n");
      std::this_thread::sleep_for(milliseconds(5));
    }
  });
  EXPECT_EQ(publish().status, 200);
}

// The refusal of one of `count` subscribers that come at once.
Response refusal_of(std::uint16_t port, int count) {
  std::vector<Connection> subscribers;
  for (int i = 0; i < count; ++i) {
    subscribers.emplace_back(port);
    subscribers.back().send(get_request("/subscribe"));
  }
  const auto give_up = std::chrono::steady_clock::now() + patience();
  while (std::chrono::steady_clock::now() < give_up) {
    for (Connection& subscriber : subscribers) {
      if (subscriber.readable_within(milliseconds(1))) return subscriber.read_response();
    }
  }
  return {};
}

TEST_F(ThreadedCap, ARefusedHoldEndsItsConnectionOnlyIfThreadsAreShort) {
  const Response at_the_cap = refusal_of(server_.port(), 3);
  EXPECT_EQ(at_the_cap.status, 503);
  EXPECT_EQ(at_the_cap.header("Connection"), "close");

  ServerProcess spare(THREADED_PROGRAM, ".", {THREADED_PROGRAM, "--port", "0", "--max-held", "1"});
  spare.wait_until_ready(patience());
  const Response with_threads_to_spare = refusal_of(spare.port(), 2);
  EXPECT_EQ(with_threads_to_spare.status, 503);
  EXPECT_EQ(with_threads_to_spare.header("Connection"), "keep-alive");
}

}  // namespace
}  // namespace comet::test
