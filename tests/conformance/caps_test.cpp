// Caps: at --max-held, out of descriptors or out of workers a subscriber gets 503, and a publisher still gets
// in.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class Caps : public ServerTest {
 protected:
  static void expect_refused(const Response& response) {
    expect_error(response, 503);
    expect_retry_after(response);
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
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
    EXPECT_EQ(published.header("Comet-Receivers"), std::to_string(subscribers.size()));
    for (Connection& subscriber : subscribers) expect_message(subscriber.read_response(), "for all");
    wait_for("held", 0);
  }
};

TEST_F(Caps, MaxHeldRefusesOneMoreAndStillTakesAPublisher) {
  start({"--max-held", "2"});
  std::vector<Connection> subscribers = hold_until_refused(4);
  EXPECT_EQ(subscribers.size(), 2U);
  EXPECT_EQ(stat("rejected"), 1);
  expect_publish_reaches(subscribers);
}

TEST_F(Caps, MaxHeldAnswersWhatNeedsNoHold) {
  start({"--max-held", "1"});
  publish("retained");
  Connection held = hold();
  expect_message(get("/subscribe?since=0"), "retained");
  expect_nothing_new(get("/subscribe?timeout=0"));
  EXPECT_EQ(head("/subscribe").status, 204);
}

TEST_F(Caps, MaxHeldHoldsAgainAfterARelease) {
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

TEST_F(Caps, RefusedConnectionIsServedOrClosed) {
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

TEST_F(Caps, AtTheCapacityItIsStartedWithAPublisherStillGetsIn) {
  start({}, 8);
  std::vector<Connection> subscribers = hold_until_refused(12);
  EXPECT_GE(subscribers.size(), 4U);
  expect_publish_reaches(subscribers);
}

TEST_F(Caps, OutOfDescriptorsAPublisherStillGetsIn) {
  Surroundings few;
  few.descriptors = 100;
  start({}, 140, few);
  std::vector<Connection> subscribers = hold_until_refused(130);
  EXPECT_GE(subscribers.size(), 20U);
  expect_publish_reaches(subscribers);
}

TEST_F(Caps, OutOfDescriptorsByIdleConnectionsTheServerRecovers) {
  Surroundings few;
  few.descriptors = 100;
  start({"--idle-timeout", "1"}, 140, few);
  Connection subscriber = hold();
  std::vector<Connection> idle;
  for (int i = 0; i < 130; ++i) idle.push_back(connect());
  for (Connection& connection : idle) connection.read_until_closed();
  EXPECT_EQ(publish("m").header("Comet-Receivers"), "1");
  expect_message(subscriber.read_response(), "m");
}

TEST_F(Caps, IdleConnectionIsClosed) {
  start({"--idle-timeout", "1"});
  Connection connection = connect();
  connection.send(get_request("/healthz"));
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(connection.read_until_closed(), "") << "an idle connection gets bytes that it did not ask for";
  wait_for("connections", 1);
}

TEST_F(Caps, SilentConnectionIsClosed) {
  start({"--idle-timeout", "1", "--header-timeout", "1"});
  Connection connection = connect();
  connection.read_until_closed();
  wait_for("connections", 1);
}

TEST_F(Caps, TwoHundredHeldAllReceive) {
  start({}, 216);
  std::vector<Connection> subscribers;
  for (int i = 0; i < 200; ++i) {
    subscribers.push_back(connect());
    subscribers.back().send(get_request("/subscribe"));
  }
  wait_for("held", 200);
  expect_publish_reaches(subscribers);
  wait_for("delivered", 200);
}

}  // namespace
}  // namespace comet::test
