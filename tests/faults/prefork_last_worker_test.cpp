// Clients that never finish a request occupy every worker of comet-prefork: a publisher gets in all the same.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/faults/prefork_test.hpp"

namespace comet::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class PreforkLastWorker : public PreforkTest {
 protected:
  // `count` clients that each send `first`, and then ten times a second one of `pieces` in turn, while one
  // publishes. Returns how long the publisher waited for its answer. Afterwards all clients are closed.
  milliseconds publish_beside(int count, const std::string& first, const std::vector<std::string>& pieces) {
    std::vector<Connection> clients;
    for (int i = 0; i < count; ++i) {
      clients.emplace_back(server_->port());
      clients.back().send(first);
    }
    std::jthread senders([&](const std::stop_token& stop) {
      for (std::size_t turn = 0; !stop.stop_requested(); ++turn) {
        for (Connection& client : clients) client.send(pieces[turn % pieces.size()]);
        std::this_thread::sleep_for(milliseconds(100));
      }
    });
    Connection publisher(server_->port());
    const auto begin = steady_clock::now();
    publisher.send(request("GET", "/publish?message=m", "Connection: close\r\n"));
    EXPECT_EQ(publisher.read_response().status, 200);
    const auto waited = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
    senders.request_stop();
    senders.join();
    for (Connection& client : clients) client.read_until_closed();
    return waited;
  }
};

TEST_F(PreforkLastWorker, EmptyLinesKeepItFromNobody) {
  start({"--workers", "5:6", "--idle-timeout", "2"});
  EXPECT_LT(publish_beside(6, "\r\n", {"\r\n"}), milliseconds(4000));
}

TEST_F(PreforkLastWorker, HalvesOfEmptyLinesKeepItFromNobody) {
  start({"--workers", "5:6", "--idle-timeout", "2", "--header-timeout", "2"});
  EXPECT_LT(publish_beside(6, "", {"\r", "\n"}), milliseconds(4000));
}

// The header time is longer than the publisher may wait, and shorter than the test waits for the ends of all.
TEST_F(PreforkLastWorker, ARequestThatComesSlowlyKeepsItFromNobody) {
  start({"--workers", "2", "--header-timeout", "8"});
  EXPECT_LT(publish_beside(2, "GET /", {"x"}), milliseconds(4000));
}

TEST_F(PreforkLastWorker, WorkersIgnoreTheSignalsThatDrainTheirMaster) {
  start({"--workers", "5"});
  const std::vector<pid_t> before = workers();
  for (const pid_t worker : before) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ASSERT_EQ(kill(worker, signal), 0);
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    Connection client(server_->port());
    client.send(get_request("/healthz"));
    EXPECT_EQ(client.read_response().status, 200);
  }
  EXPECT_EQ(workers(), before);
  EXPECT_EQ(server_->errors(), "");
}

}  // namespace
}  // namespace comet::test
