// The idle time of a connection: what begins it, what does not renew it, and how clients are told of it.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Idle : public ServerTest {
 protected:
  // Sends one piece after another for as long as the server lets it.
  void expect_closed_in_spite_of(const std::vector<std::string>& pieces) {
    Connection connection = connect();
    const auto give_up = Clock::now() + patience();
    for (std::size_t next = 0; !connection.readable_within(milliseconds(300)); ++next) {
      ASSERT_LT(Clock::now(), give_up) << "bytes that begin no request keep the connection open";
      connection.send(pieces[next % pieces.size()]);
    }
    EXPECT_EQ(connection.read_until_closed(), "") << "an idle connection gets bytes that it did not ask for";
  }

  static void expect_announced(const Response& response, const std::string& value) {
    EXPECT_EQ(response.header("Connection"), "keep-alive") << "the connection's own header is not named";
    EXPECT_EQ(response.header("Keep-Alive"), value) << "the idle time is not announced";
  }
};

CONTRACT_TEST(Idle, EmptyLinesDoNotRenewItsTime, "slow, http, health",
              "Bytes that begin no request, such as empty lines, do not renew its time") {
  start({"--idle-timeout", "1"});
  expect_closed_in_spite_of({"\r\n"});
}

CONTRACT_TEST(Idle, HalvesOfEmptyLinesDoNotRenewItsTime, "slow, http, health",
              "Bytes that begin no request, such as empty lines, do not renew its time") {
  start({"--idle-timeout", "1"});
  expect_closed_in_spite_of({"\r", "\n"});
}

CONTRACT_TEST(
    Idle, EmptyLinesAfterAnAnswerDoNotRenewItsTime, "slow, http, health",
    "A connection is idle from its accept, or from its last answer on, until the next request begins") {
  start({"--idle-timeout", "1"});
  Connection connection = connect();
  connection.send(get_request("/healthz"));
  EXPECT_EQ(connection.read_response().status, 200);
  const auto give_up = Clock::now() + patience();
  while (!connection.readable_within(milliseconds(300))) {
    ASSERT_LT(Clock::now(), give_up) << "bytes that begin no request keep the connection open";
    connection.send("\r\n");
  }
  EXPECT_EQ(connection.read_until_closed(), "");
}

// As many as the server is started for: where a connection takes a worker, they take all of them.
CONTRACT_TEST(Idle, ClientsThatSendEmptyLinesKeepNoPublisherOut, "slow, publish",
              "Bytes that begin no request, such as empty lines, do not renew its time") {
  start({"--idle-timeout", "1"}, 6);
  std::vector<Connection> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(connect());
  for (Connection& client : clients) client.send("\r\n");
  Connection publisher = connect();
  publisher.send(request("POST", "/publish", "", "m"));
  const auto give_up = Clock::now() + patience();
  while (!publisher.readable_within(milliseconds(300))) {
    ASSERT_LT(Clock::now(), give_up) << "clients that ask nothing keep a publisher out";
    for (Connection& client : clients) client.send("\r\n");
  }
  EXPECT_EQ(publisher.read_response().status, 200);
}

CONTRACT_TEST(
    Idle, ItsTimeIsAnnouncedByEveryAnswerThatKeepsTheConnection,
    "slow, http, health, stats, subscribe, publish, publish-get, timeout, cursors",
    "An answer that keeps the connection carries `Connection: keep-alive` and `Keep-Alive: timeout=N`") {
  start({"--idle-timeout", "30.9", "--history", "1"});
  const std::string announced = "timeout=30";
  Connection subscriber = hold();
  Connection version_1_0 = connect();
  version_1_0.send("GET /subscribe HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  wait_for("held", 2);
  Connection connection = connect();
  connection.send(request("POST", "/publish", "", "first"));
  const Response published = connection.read_response();
  expect_announced(published, announced);
  for (Connection* held : {&subscriber, &version_1_0}) {
    const Response delivered = held->read_response();
    expect_message(delivered, "first");
    expect_announced(delivered, announced);
  }
  publish("second");
  publish("third");
  for (const std::string& target :
       {std::string("/subscribe?since=0"), "/subscribe?since=" + cursor_of(published),
        std::string("/subscribe?timeout=0.1"), std::string("/stats"), std::string("/healthz"),
        std::string("/nowhere"), std::string("/publish?message=m")}) {
    SCOPED_TRACE(target);
    connection.send(get_request(target));
    expect_announced(connection.read_response(), announced);
  }
  connection.send(request("HEAD", "/subscribe?since=0"));
  expect_announced(connection.read_response(Expect::kHeadersOnly), announced);
}

CONTRACT_TEST(
    Idle, AnAnswerThatEndsTheConnectionAnnouncesNoTime, "slow, http, health, publish-get, timeout",
    "An answer that keeps the connection carries `Connection: keep-alive` and `Keep-Alive: timeout=N`") {
  start();
  for (const char* target : {"/healthz", "/subscribe?timeout=0", "/nowhere", "/publish?message=m"}) {
    SCOPED_TRACE(target);
    const Response response = get(target);
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_FALSE(response.has("Keep-Alive"));
  }
}

// Each answer begins the time anew; the request is sent when all that was announced has passed.
CONTRACT_TEST(Idle, ARequestSentWhenTheAnnouncedTimeIsOverIsStillAnswered, "slow, http, health",
              "a request that is sent within N seconds still finds it open") {
  start({"--idle-timeout", "1"});
  Connection connection = connect();
  for (int i = 0; i < 3; ++i) {
    connection.send(get_request("/healthz"));
    const Response response = connection.read_response();
    EXPECT_EQ(response.status, 200);
    expect_announced(response, "timeout=1");
    EXPECT_FALSE(connection.readable_within(seconds(1))) << "closed before the announced time";
  }
  EXPECT_EQ(connection.read_until_closed(), "");
}

}  // namespace
}  // namespace comet::test
