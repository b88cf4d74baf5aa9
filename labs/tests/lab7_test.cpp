// Lab 7, a diet: what its tests ask beyond the conformance suite.
#include <algorithm>
#include <cmath>
#include <fstream>

#include "labs/tests/lab_test.hpp"

namespace comet::test {
namespace {

class Lab7 : public LabTest {
 protected:
  // Bytes of the server that no other process shares and no file has: its heap and its stacks.
  std::size_t anonymous_bytes() {
    std::ifstream file("/proc/" + std::to_string(server().pid()) + "/smaps_rollup");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Pss_Anon:")) return std::stoul(line.substr(line.find(':') + 1)) * 1024;
    }
    throw ClientError("/proc/PID/smaps_rollup does not say how much memory the server has");
  }
};

CONTRACT_TEST(Lab7, AHeldRequestTouchesFewPages, "subscribe, stats, channels",
              "holds until the next message on the channel") {
  constexpr std::size_t kHeld = 40;
  constexpr std::size_t kPage = 4096;
  constexpr double kMost = 2.5;  // two of its own, and its share of those that several use
  start();
  std::vector<Connection> held;
  held.push_back(hold());  // what is needed once is there now
  const std::size_t before = anonymous_bytes();
  while (held.size() <= kHeld) held.push_back(hold("/subscribe?channel=" + random_word()));
  const std::size_t after = anonymous_bytes();
  const double pages = static_cast<double>(after - std::min(before, after)) / kHeld / kPage;
  EXPECT_TRUE(pages <= kMost) << "a held request keeps " << std::lround(pages) << " pages of memory";
}

CONTRACT_TEST(Lab7, ARequestThatCameEarlyIsAnsweredAfterTheHold, "subscribe, publish, channels, timeout",
              "Bytes that come while a request is held wait their turn") {
  start();
  const std::string channel = random_word();
  const std::string message = random_word();
  const std::string poll = "/subscribe?channel=" + channel;
  Connection subscriber = connect();
  subscriber.send(get_request(poll) + get_request(poll + "&timeout=0"));
  wait_until_quiet(subscriber);
  EXPECT_EQ(exchange(publish_request(message, channel)).status, 200);
  expect_message(subscriber.read_response(), message);
  expect_nothing_new(subscriber.read_response());
}

CONTRACT_TEST(Lab7, ALongRequestIsRead, "subscribe, publish, channels", "largest message") {
  start();
  const std::string channel = random_word();
  const std::string message(60'000, 'm');
  Connection subscriber = hold("/subscribe?channel=" + channel + "&ignored=" + std::string(7'000, 'x'));
  EXPECT_EQ(exchange(publish_request(message, channel)).status, 200);
  expect_message(subscriber.read_response(), message);
}

}  // namespace
}  // namespace comet::test
