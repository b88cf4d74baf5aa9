// A held request whose client goes away: released within 1 s, counted, never delivered to.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

// That wait behind a held request: 64 KiB and one message, by default another 64 KiB.
constexpr std::size_t kMostEarlyBytes = 2 * std::size_t{65536};

class Leaving : public ServerTest {
 protected:
  void expect_released() {
    wait_for("held", 0, kReleaseBound);
    if (keeps("counters")) wait_for("disconnects", 1, kReleaseBound);
    expect_receivers(publish("to nobody"), 0);
    if (keeps("counters")) {
      EXPECT_EQ(stat("delivered"), 0);
    }
  }
};

CONTRACT_TEST(Leaving, ByFinReleasesTheHeldRequest, "leaving, subscribe, publish, stats",
              "is released within 1 s, its memory too, and never counts as delivered") {
  start();
  Connection subscriber = hold();
  subscriber.leave();
  expect_released();
}

CONTRACT_TEST(Leaving, ByResetReleasesTheHeldRequest, "leaving, subscribe, publish, stats",
              "is released within 1 s, its memory too, and never counts as delivered") {
  start();
  Connection subscriber = hold();
  subscriber.reset();
  expect_released();
}

CONTRACT_TEST(Leaving, ByHalfCloseReleasesTheHeldRequest, "leaving, subscribe, publish, stats",
              "A held request whose client goes away (FIN or RST)") {
  start();
  Connection subscriber = hold();
  subscriber.end_sending();
  expect_released();
}

CONTRACT_TEST(Leaving, WithAPipelinedRequestBehindTheHeldOne,
              "leaving, http, subscribe, publish, health, stats",
              "A held request whose client goes away (FIN or RST)") {
  start();
  Connection subscriber = connect();
  hold_on(subscriber, get_request("/subscribe") + get_request("/healthz"));
  subscriber.leave();
  expect_released();
}

CONTRACT_TEST(Leaving, WithBytesSentAfterTheHoldBegan, "leaving, http, subscribe, publish, health, stats",
              "A held request whose client goes away (FIN or RST)") {
  start();
  Connection subscriber = hold();
  subscriber.send(get_request("/healthz"));
  subscriber.leave();
  expect_released();
}

// More than the client's window takes while nobody reads: the FIN comes only behind it.
CONTRACT_TEST(Leaving, WithAFloodSentAfterTheHoldBegan, "leaving, http, subscribe, publish, stats",
              "A held request whose client goes away (FIN or RST)") {
  start();
  Connection subscriber = hold();
  subscriber.send(std::string(kMostEarlyBytes, 'x'));
  subscriber.leave();
  expect_released();
}

CONTRACT_TEST(Leaving, ByAFloodBeyondTheBoundClosesTheConnection, "leaving, http, subscribe, publish, stats",
              "up to 64 KiB and one message; beyond that the connection is closed") {
  start();
  Connection subscriber = hold();
  subscriber.send(std::string(kMostEarlyBytes + 1, 'x'));
  EXPECT_EQ(subscriber.read_until_closed(), "");
  expect_released();
}

CONTRACT_TEST(Leaving, FloodBehindAHeldRequestCostsThatConnectionAtMost,
              "leaving, http, subscribe, publish, stats, counters",
              "up to 64 KiB and one message; beyond that the connection is closed") {
  start();
  Connection subscriber = hold();
  const std::string subscribe = get_request("/subscribe");
  Connection under_the_bound = connect();
  under_the_bound.send(subscribe + std::string(40'000, 'x'));
  under_the_bound.leave();
  // A server may stop reading at its bound; no FIN comes through the bytes that it leaves, a reset does.
  Connection over_the_bound = connect();
  over_the_bound.send(subscribe + std::string(200'000, 'x'));
  over_the_bound.reset();
  wait_for("connections", 2);  // the subscriber and the one that asks; also before the two are accepted
  wait_for("held", 1);
  publish("m");
  expect_message(subscriber.read_response(), "m");
}

CONTRACT_TEST(Leaving, TheOthersStillReceive, "leaving, subscribe, publish, stats",
              "is released within 1 s, its memory too, and never counts as delivered") {
  start();
  Connection first = hold();
  Connection leaving = hold();
  Connection last = hold();
  leaving.reset();
  wait_for("held", 2, kReleaseBound);
  expect_receivers(publish("for the others"), 2);
  expect_message(first.read_response(), "for the others");
  expect_message(last.read_response(), "for the others");
  if (!keeps("counters")) return;
  wait_for("delivered", 2);
  wait_for("disconnects", 1, kReleaseBound);
}

CONTRACT_TEST(Leaving, ManyAtOnceAreAllReleased, "leaving, subscribe, stats",
              "is released within 1 s, its memory too, and never counts as delivered") {
  start({}, 72);
  std::vector<Connection> subscribers;
  for (int i = 0; i < 64; ++i) {
    subscribers.push_back(connect());
    subscribers.back().send(get_request("/subscribe"));
  }
  wait_for("held", 64);
  for (std::size_t i = 0; i < subscribers.size(); ++i) {
    if (i % 2 == 0)
      subscribers[i].leave();
    else
      subscribers[i].reset();
  }
  wait_for("held", 0, kReleaseBound);
  if (!keeps("counters")) return;
  wait_for("disconnects", 64, kReleaseBound);
  wait_for("connections", 1);  // the one that asks
}

CONTRACT_TEST(Leaving, WhilePublishesRun, "leaving, subscribe, publish, cursors, timeout, http, stats",
              "gets every retained message once, in order") {
  start();
  std::string since = cursor_of(get("/subscribe?timeout=0"));
  Connection staying = connect();
  for (int round = 0; round < 30; ++round) {
    staying.send(get_request("/subscribe?since=" + since));
    Connection leaving = connect();
    leaving.send(get_request("/subscribe"));
    if (round % 2 == 0)
      leaving.leave();
    else
      leaving.reset();
    publish(std::to_string(round));
    const Response received = staying.read_response();
    expect_message(received, std::to_string(round));
    since = cursor_of(received);
  }
  wait_for("held", 0, kReleaseBound);
}

CONTRACT_TEST(Leaving, BeforeAndAfterARequestHarmsNobody, "leaving, publish, stats, counters",
              "Nothing that a client sends ends the process") {
  start();
  connect().leave();
  connect().reset();
  Connection half_sent = connect();
  half_sent.send("POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc");
  half_sent.leave();
  Connection unread = connect();
  unread.send(get_request("/stats"));
  unread.reset();
  wait_for("connections", 1);
  EXPECT_EQ(stat("published"), 0) << "half a message was published";
}

CONTRACT_TEST(Leaving, HalfCloseAfterAWholeRequestIsStillAnswered, "http, publish",
              "Where the page is silent, RFC 9110 and RFC 9112 decide") {
  start();
  Connection client = connect();
  client.send(request("POST", "/publish", "", "m"));
  client.end_sending();
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_EQ(client.read_until_closed(), "");
}

}  // namespace
}  // namespace comet::test
