// Lab 8, fibers: what its tests ask beyond the conformance suite. The server has one thread. While a test stops that
// in a publish, what others send waits in the kernel, and all of it comes to the scheduler at once.
#include <csignal>
#include <fstream>

#include "labs/tests/lab_test.hpp"
#include "tests/conformance/transcript.hpp"

namespace comet::test {
namespace {

class Lab8 : public LabTest {
 protected:
  // A connection whose fiber waits for its next request.
  Connection connect_and_ask() {
    Connection connection = connect();
    connection.send(get_request("/healthz"));
    EXPECT_EQ(connection.read_response().status, 200);
    wait_until_quiet(connection);
    return connection;
  }

  // As many more, in one line of the story.
  std::vector<Connection> connect_others(int count) {
    transcript().happened(std::to_string(count) + " other connections are opened");
    std::vector<Connection> all;
    for (int i = 0; i < count; ++i) {
      all.emplace_back(server().port(), 0, Recorded::kNo);
      all.back().send(get_request("/healthz"));
      EXPECT_EQ(all.back().read_response().status, 200);
    }
    return all;
  }

  // Sends a publish, and stops the server's thread in it.
  void stop_the_thread(Connection& publisher) {
    pauses_.stop_at("publish");
    publisher.send(publish_request(random_word(), random_word()));
    pauses_.wait_until_stopped();
  }

  static void send_and_wait(Connection& connection, std::string_view bytes) {
    connection.send(bytes);
    connection.wait_until_received();
  }

  // Pages of addresses that the server has.
  std::int64_t address_space() {
    std::int64_t pages = 0;
    std::ifstream("/proc/" + std::to_string(server().pid()) + "/statm") >> pages;
    return pages;
  }
};

CONTRACT_TEST(Lab8, AClientThatSendsHalfARequestStopsNobody, "subscribe, publish, stats",
              "holds until the next message on the channel") {
  start();
  Connection slow = connect();
  send_and_wait(slow, "GET /subscribe HTTP/1.1\r\nHo");
  const std::string channel = random_word();
  const std::string message = random_word();
  Connection subscriber = hold("/subscribe?channel=" + channel);
  expect_receivers(exchange(publish_request(message, channel)), 1);
  expect_message(subscriber.read_response(), message);
}

CONTRACT_TEST(Lab8, AWakeBeforeTheParkCounts, "subscribe, publish, channels, receivers, health",
              "holds until the next message on the channel") {
  start();
  const std::string channel = random_word();
  const std::string message = random_word();
  Connection stopped = connect_and_ask();
  Connection subscriber = connect_and_ask();
  Connection publisher = connect_and_ask();
  stop_the_thread(stopped);
  send_and_wait(subscriber, get_request("/subscribe?channel=" + channel));
  send_and_wait(publisher, publish_request(message, channel));
  pauses_.go_on();
  if (publisher.read_response().header("Comet-Receivers") != "1") {  // the publisher came first
    wait_until_quiet(subscriber);
    expect_receivers(exchange(publish_request(message, channel)), 1);
  }
  expect_message(subscriber.read_response(), message);
}

CONTRACT_TEST(Lab8, TwoWakesGiveOneTurn, "subscribe, publish, channels, stats, health, leaving",
              "Nothing that a client sends ends the process") {
  start();
  const std::string channel = random_word();
  Connection stopped = connect_and_ask();
  Connection publisher = connect_and_ask();
  Connection subscriber = connect_and_ask();
  hold_on(subscriber, get_request("/subscribe?channel=" + channel));
  wait_until_quiet(subscriber);
  stop_the_thread(stopped);
  send_and_wait(publisher, publish_request(random_word(), channel));
  subscriber.end_sending();
  pauses_.go_on();
  EXPECT_EQ(publisher.read_response().status, 200);
  wait_until_quiet(publisher);
  wait_for("held", 0);
  const std::string message = random_word();
  Connection next = hold("/subscribe?channel=" + channel);
  expect_receivers(exchange(publish_request(message, channel)), 1);
  expect_message(next.read_response(), message);
}

// The busy client's requests are all there. The subscribe comes while the first of them is served.
CONTRACT_TEST(Lab8, FibersThatAreAlwaysReadyLeaveTheEventsATurn,
              "subscribe, publish, channels, receivers, health",
              "holds until the next message on the channel") {
  constexpr int kRequests = 100;
  start();
  const std::string channel = random_word();
  Connection subscriber = connect_and_ask();
  std::vector<Connection> others = connect_others(1);
  Connection& busy = others.front();
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += publish_request(random_word(), channel);
  pauses_.stop_at("publish");
  transcript().happened("it sends " + std::to_string(kRequests) + " publishes at once");
  send_and_wait(busy, requests);
  pauses_.wait_until_stopped();
  send_and_wait(subscriber, get_request("/subscribe?channel=" + channel));
  pauses_.go_on();
  int receivers = 0;
  for (int i = 0; i < kRequests; ++i) receivers += busy.read_response().header("Comet-Receivers") == "1";
  EXPECT_EQ(receivers, 1) << "all publishes of one client were served before one request of another was seen";
}

// New memory is mapped below the old: so there is a fiber's stack above this one, and one below.
CONTRACT_TEST(Lab8, ACallThatIsTooDeepEndsTheProcess, "publish, channels, health", "`POST /publish`") {
  constexpr int kNeighbours = 20;
  start();
  const std::vector<Connection> above = connect_others(kNeighbours);
  Connection deep = connect_and_ask();
  const std::vector<Connection> below = connect_others(kNeighbours);
  deep.send(
      request("POST", "/publish?channel=too-deep", "Content-Type: text/plain\r\nConnection: close\r\n", "m"));
  EXPECT_TRUE(deep.read_until_closed().empty())
      << "a call went below its stack, into the memory of another fiber, and nothing stopped it";
  if (!HasFailure()) {
    EXPECT_EQ(server().wait_for_exit(patience()), 128 + SIGSEGV);
  }
  forget_server();
}

CONTRACT_TEST(Lab8, FibersThatHaveEndedLeaveNothingBehind, "publish, health",
              "Nothing that a client sends ends the process") {
  constexpr int kConnections = 50;
  start();
  const std::int64_t before = address_space();
  std::vector<Connection> connections = connect_others(kConnections);
  const std::int64_t with_all = address_space();
  transcript().happened("these are closed");
  for (Connection& connection : connections) {
    connection.end_sending();
    EXPECT_EQ(connection.read_until_closed(), "");
  }
  connections = connect_others(kConnections);
  EXPECT_TRUE(address_space() - with_all < (with_all - before) / 2)
      << "new connections take new memory, although as many others have ended";
}

}  // namespace
}  // namespace comet::test
