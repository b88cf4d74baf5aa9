// Caps: at --max-held, out of descriptors or out of workers a subscriber gets 503, and a publisher
// still gets in.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class Caps : public ServerTest {
 protected:
  static void expect_refused(const Response& response) {
    expect_error(response, 503);
    expect_retry_after(response);
    expect_not_stored(response);
  }

  // Opens up to `most` subscribers one after another; those that are not refused stay held.
  std::vector<Connection> hold_until_refused(int most) {
    std::vector<Connection> subscribers;
    for (int i = 0; i < most; ++i) {
      Connection subscriber = connect();
      subscriber.send(get_request("/subscribe"));
      const auto held = static_cast<std::int64_t>(subscribers.size());
      // A refused one may be counted for a moment: two looks must agree.
      for (int looks = 0; looks < 2 && !subscriber.readable_within(std::chrono::milliseconds(10));)
        looks = stat("held") == held + 1 ? looks + 1 : 0;
      if (subscriber.readable_within(std::chrono::milliseconds(0))) {
        expect_refused(subscriber.read_response());
        return subscribers;
      }
      subscribers.push_back(std::move(subscriber));
    }
    return subscribers;
  }

  void expect_publish_reaches(std::vector<Connection>& subscribers) {
    const Response published = publish("for all");
    EXPECT_EQ(published.status, 200) << "a publisher does not get in at the cap";
    expect_receivers(published, subscribers.size());
    for (Connection& subscriber : subscribers) expect_message(subscriber.read_response(), "for all");
    wait_for("held", 0);
  }
};

CONTRACT_TEST(Caps, MaxHeldRefusesOneMoreAndStillTakesAPublisher, "caps, subscribe, publish, stats, counters",
              "At any cap a publisher still gets in") {
  start({"--max-held", "2"});
  std::vector<Connection> subscribers = hold_until_refused(4);
  EXPECT_EQ(subscribers.size(), 2U);
  EXPECT_EQ(stat("rejected"), 1);
  expect_publish_reaches(subscribers);
}

CONTRACT_TEST(Caps, MaxHeldAnswersWhatNeedsNoHold, "caps, subscribe, publish, cursors, timeout, http",
              "most held requests; 0: as many as open files allow") {
  start({"--max-held", "1"});
  publish("retained");
  Connection held = hold();
  expect_message(get("/subscribe?since=0"), "retained");
  expect_nothing_new(get("/subscribe?timeout=0"));
  EXPECT_EQ(head("/subscribe").status, 204);
}

CONTRACT_TEST(Caps, MaxHeldHoldsAgainAfterARelease,
              "caps, subscribe, publish, channels, timeout, leaving, stats",
              "most held requests; 0: as many as open files allow") {
  start({"--max-held", "2"});
  {
    Connection first = hold();
    Connection second = hold("/subscribe?channel=other");
    expect_refused(get("/subscribe"));
    first.leave();
    wait_for("held", 1, kReleaseBound);
    Connection third = hold();
    publish("m");
    expect_message(third.read_response(), "m");
  }
  wait_for("held", 0, kReleaseBound);
  expect_nothing_new(get("/subscribe?timeout=0.1"));
  Connection last = hold();
  Connection beside_it = hold();
}

CONTRACT_TEST(Caps, RefusedConnectionIsServedOrClosed, "caps, subscribe, health",
              "with `Retry-After`: at `--max-held`") {
  start({"--max-held", "1"});
  Connection held = hold();
  Connection refused = connect();
  refused.send(get_request("/subscribe"));
  const Response response = refused.read_response();
  expect_refused(response);
  if (response.header("Connection") == "close") {
    EXPECT_EQ(refused.read_until_closed(), "");
  } else {
    refused.send(get_request("/healthz"));
    EXPECT_EQ(refused.read_response().status, 200);
  }
}

CONTRACT_TEST(Caps, AtTheCapacityItIsStartedWithAPublisherStillGetsIn, "caps, subscribe, publish, stats",
              "At any cap a publisher still gets in") {
  start({}, 8);
  std::vector<Connection> subscribers = hold_until_refused(12);
  EXPECT_GE(subscribers.size(), 4U);
  expect_publish_reaches(subscribers);
}

CONTRACT_TEST(Caps, OutOfDescriptorsAPublisherStillGetsIn, "caps, subscribe, publish, stats",
              "At any cap a publisher still gets in") {
  Surroundings few;
  few.descriptors = 100;
  start({}, 140, few);
  std::vector<Connection> subscribers = hold_until_refused(130);
  EXPECT_GE(subscribers.size(), 20U);
  expect_publish_reaches(subscribers);
}

CONTRACT_TEST(Caps, OutOfDescriptorsByIdleConnectionsTheServerRecovers, "caps, slow, subscribe, publish",
              "At any cap a publisher still gets in") {
  Surroundings few;
  few.descriptors = 100;
  start({"--idle-timeout", "1"}, 140, few);
  Connection subscriber = hold();
  std::vector<Connection> idle;
  for (int i = 0; i < 130; ++i) idle.push_back(connect());
  for (Connection& connection : idle) connection.read_until_closed();
  expect_receivers(publish("m"), 1);
  expect_message(subscriber.read_response(), "m");
}

CONTRACT_TEST(Caps, IdleConnectionIsClosed, "slow, health, counters", "how long a connection may be idle") {
  start({"--idle-timeout", "1"});
  Connection connection = connect();
  connection.send(get_request("/healthz"));
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(connection.read_until_closed(), "") << "an idle connection gets bytes that it did not ask for";
  wait_for("connections", 1);
}

CONTRACT_TEST(Caps, SilentConnectionIsClosed, "slow, counters", "A connection is idle from its accept") {
  start({"--idle-timeout", "1", "--header-timeout", "1"});
  Connection connection = connect();
  connection.read_until_closed();
  wait_for("connections", 1);
}

CONTRACT_TEST(Caps, TwoHundredHeldAllReceive, "subscribe, publish, stats",
              "holds until the next message on the channel") {
  start({}, 216);
  std::vector<Connection> subscribers;
  for (int i = 0; i < 200; ++i) {
    subscribers.push_back(connect());
    subscribers.back().send(get_request("/subscribe"));
  }
  wait_for("held", 200);
  expect_publish_reaches(subscribers);
  if (keeps("counters")) wait_for("delivered", 200);
}

}  // namespace
}  // namespace comet::test
