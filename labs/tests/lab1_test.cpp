// Lab 1, hold and wake: what its tests ask beyond the conformance suite.
#include <sstream>

#include "labs/tests/lab_test.hpp"
#include "tests/conformance/process_group.hpp"

namespace comet::test {
namespace {

class Lab1 : public LabTest {
 protected:
  // A line for each thread of the server: its number, and how often it has run.
  std::vector<std::string> threads() {
    std::string text;
    while (text.empty()) text = sleeping_threads(server().pid());
    std::istringstream lines(text);
    std::vector<std::string> all;
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    return all;
  }
};

CONTRACT_TEST(Lab1, AHeldThreadDoesNotRun, "subscribe, stats, timeout", "holds until the next message") {
  constexpr int kHeld = 3;
  start();
  Connection clock = connect();
  wait_until_quiet(clock);
  std::vector<Connection> held;
  for (int i = 0; i < kHeld; ++i) held.push_back(hold("/subscribe?channel=" + random_word()));
  wait_until_quiet(clock);
  const std::vector<std::string> before = threads();
  clock.send(get_request("/subscribe?timeout=1"));
  expect_nothing_new(clock.read_response());
  const std::vector<std::string> after = threads();
  const auto has_slept = [&](const std::string& thread) {
    return std::find(after.begin(), after.end(), thread) != after.end();
  };
  EXPECT_GE(std::count_if(before.begin(), before.end(), has_slept), kHeld)
      << "threads of held requests ran although nothing was published";
}

// Wherever the subscriber's thread stands: once a publish says that it has woken the subscriber, the message
// comes.
CONTRACT_TEST(Lab1, NoMessageIsLostWhereverTheSubscriberStops, "subscribe, publish, channels, receivers",
              "holds until the next message on the channel") {
  start_with_points();
  for (int step = 1; !HasFailure(); ++step) {
    const std::string channel = random_word();
    const std::string message = random_word();
    Connection subscriber = connect();
    Connection publisher = connect();
    wait_until_quiet(publisher);
    pauses_.stop_at("mutex", step);
    subscriber.send(get_request("/subscribe?channel=" + channel));
    wait_until_quiet(subscriber);
    const bool has_stopped = pauses_.has_stopped();
    publisher.send(publish_request(message, channel));
    wait_until_quiet(publisher);
    pauses_.go_on();
    if (publisher.read_response().header("Comet-Receivers") != "1") {  // it was not held yet
      wait_until_quiet(subscriber);
      expect_receivers(exchange(publish_request(message, channel)), 1);
    }
    expect_message(subscriber.read_response(), message);
    if (step == 1) expect_mutex_of_the_kit(has_stopped);
    if (!has_stopped) break;  // it has fewer steps
  }
}

CONTRACT_TEST(Lab1, ASlowReaderHoldsUpNobody, "subscribe, publish, stats",
              "holds until the next message on the channel") {
  start({"--max-message", std::to_string(big_message().size())});
  Connection slow = connect(1 << 18);
  hold_on(slow, get_request("/subscribe"));
  EXPECT_EQ(publish(big_message()).status, 200);
  EXPECT_TRUE(slow.readable_within(patience()));  // its thread sends, and cannot end before it is read
  Connection other = hold();
  const std::string message = random_word();
  EXPECT_EQ(publish(message).status, 200);
  expect_message(other.read_response(), message);
}

}  // namespace
}  // namespace comet::test
