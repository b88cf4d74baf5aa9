// Lab 2, lose nothing: what its tests ask beyond the conformance suite.
#include "labs/tests/lab_test.hpp"

namespace comet::test {
namespace {

class Lab2 : public LabTest {
 protected:
  // A poll that goes on from where the channel's log ends now.
  std::string poll_from_now(const std::string& channel) {
    const std::string poll = "/subscribe?channel=" + channel;
    return get_request(poll + "&since=" + cursor_of(get(poll + "&timeout=0")));
  }
};

CONTRACT_TEST(Lab2, NoMessageIsLostWhereverTheSubscriberStops,
              "cursors, subscribe, publish, channels, timeout",
              "gets every retained message once, in order") {
  start_with_points();
  for (int step = 1; !HasFailure(); ++step) {
    const std::string channel = random_word();
    const std::string message = random_word();
    const std::string poll = poll_from_now(channel);
    Connection subscriber = connect();
    Connection publisher = connect();
    wait_until_quiet(publisher);
    pauses_.stop_at("mutex", step);
    subscriber.send(poll);
    wait_until_quiet(subscriber);
    const bool has_stopped = pauses_.has_stopped();
    publisher.send(publish_request(message, channel));
    wait_until_quiet(publisher);
    pauses_.go_on();
    EXPECT_EQ(publisher.read_response().status, 200);
    expect_message(subscriber.read_response(), message);
    if (step == 1) expect_mutex_of_the_kit(has_stopped);
    if (!has_stopped) break;  // it has fewer steps
  }
}

// One subscriber is held before, and one comes while the publisher's thread stands still.
CONTRACT_TEST(Lab2, NoMessageIsLostWhereverThePublisherStops,
              "cursors, subscribe, publish, channels, timeout",
              "gets every retained message once, in order") {
  start_with_points();
  for (int step = 1; !HasFailure(); ++step) {
    const std::string channel = random_word();
    const std::string message = random_word();
    const std::string poll = poll_from_now(channel);
    Connection held = connect();
    Connection late = connect();
    Connection publisher = connect();
    held.send(poll);
    wait_until_quiet(held);
    wait_until_quiet(publisher);
    pauses_.stop_at("mutex", step);
    publisher.send(publish_request(message, channel));
    wait_until_quiet(publisher);
    const bool has_stopped = pauses_.has_stopped();
    late.send(poll);
    wait_until_quiet(late);
    pauses_.go_on();
    EXPECT_EQ(publisher.read_response().status, 200);
    expect_message(held.read_response(), message);
    expect_message(late.read_response(), message);
    if (step == 1) expect_mutex_of_the_kit(has_stopped);
    if (!has_stopped) break;  // it has fewer steps
  }
}

CONTRACT_TEST(Lab2, WhatIsBeingAnsweredIsNotHeld, "subscribe, publish, stats, channels",
              "says how many held requests the message woke") {
  start_with_points();
  const std::string channel = random_word();
  const std::string message = random_word();
  Connection subscriber = hold("/subscribe?channel=" + channel);
  pauses_.stop_at("deliver");
  EXPECT_EQ(publish(message, channel).status, 200);
  if (has_points_) {  // else nothing stops it, and it may be answered already
    pauses_.wait_until_stopped();
    EXPECT_EQ(stat("held"), 0) << "a request that is being answered still counts as held";
  }
  pauses_.go_on();
  expect_message(subscriber.read_response(), message);
}

// One slow reader was held, and one finds its message in the log.
CONTRACT_TEST(Lab2, ASlowReaderHoldsUpNobody, "cursors, subscribe, publish, stats, channels",
              "holds until the next message on the channel") {
  start({"--max-message", std::to_string(big_message().size())});
  const std::string channel = random_word(), others_channel = random_word();
  const std::string message = random_word();
  EXPECT_EQ(publish(message, others_channel).status, 200);
  Connection held = connect(1 << 18);
  hold_on(held, get_request("/subscribe?channel=" + channel));
  EXPECT_EQ(publish(big_message(), channel).status, 200);
  EXPECT_TRUE(held.readable_within(patience()));  // its thread sends, and cannot end before it is read
  Connection late = connect(1 << 18);
  late.send(get_request("/subscribe?since=0&channel=" + channel));
  ASSERT_TRUE(late.readable_within(patience())) << "one client does not read, and another one gets nothing";
  expect_message(get("/subscribe?since=0&channel=" + others_channel), message);
}

}  // namespace
}  // namespace comet::test
