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
    wait_for("disconnects", 1, kReleaseBound);
    EXPECT_EQ(publish("to nobody").header("Comet-Receivers"), "0") << "a client that has left still receives";
    EXPECT_EQ(stat("delivered"), 0);
  }
};

TEST_F(Leaving, ByFinReleasesTheHeldRequest) {
  start();
  Connection subscriber = hold();
  subscriber.leave();
  expect_released();
}

TEST_F(Leaving, ByResetReleasesTheHeldRequest) {
  start();
  Connection subscriber = hold();
  subscriber.reset();
  expect_released();
}

TEST_F(Leaving, ByHalfCloseReleasesTheHeldRequest) {
  start();
  Connection subscriber = hold();
  subscriber.end_sending();
  expect_released();
}

TEST_F(Leaving, WithAPipelinedRequestBehindTheHeldOne) {
  start();
  Connection subscriber = connect();
  subscriber.send(get_request("/subscribe") + get_request("/healthz"));
  wait_for("held", 1);
  subscriber.leave();
  expect_released();
}

TEST_F(Leaving, WithBytesSentAfterTheHoldBegan) {
  start();
  Connection subscriber = hold();
  subscriber.send(get_request("/healthz"));
  subscriber.leave();
  expect_released();
}

// More than the client's window takes while nobody reads: the FIN comes only behind it.
TEST_F(Leaving, WithAFloodSentAfterTheHoldBegan) {
  start();
  Connection subscriber = hold();
  subscriber.send(std::string(kMostEarlyBytes, 'x'));
  subscriber.leave();
  expect_released();
}

TEST_F(Leaving, ByAFloodBeyondTheBoundClosesTheConnection) {
  start();
  Connection subscriber = hold();
  subscriber.send(std::string(kMostEarlyBytes + 1, 'x'));
  EXPECT_EQ(subscriber.read_until_closed(), "");
  expect_released();
}

TEST_F(Leaving, TheOthersStillReceive) {
  start();
  Connection first = hold();
  Connection leaving = hold();
  Connection last = hold();
  leaving.reset();
  wait_for("held", 2, kReleaseBound);
  EXPECT_EQ(publish("for the others").header("Comet-Receivers"), "2");
  expect_message(first.read_response(), "for the others");
  expect_message(last.read_response(), "for the others");
  wait_for("delivered", 2);
  wait_for("disconnects", 1, kReleaseBound);
}

TEST_F(Leaving, ManyAtOnceAreAllReleased) {
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
  wait_for("disconnects", 64, kReleaseBound);
  wait_for("connections", 1);  // the one that asks
}

TEST_F(Leaving, WhilePublishesRun) {
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

TEST_F(Leaving, BeforeAndAfterARequestHarmsNobody) {
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

TEST_F(Leaving, HalfCloseAfterAWholeRequestIsStillAnswered) {
  start();
  Connection client = connect();
  client.send(request("POST", "/publish", "", "m"));
  client.end_sending();
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_EQ(client.read_until_closed(), "");
}

}  // namespace
}  // namespace comet::test
