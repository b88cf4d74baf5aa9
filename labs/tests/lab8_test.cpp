// Lab 8, fibers: what its tests ask beyond the conformance suite. The server has one thread. While a test stops that
// in a publish, what others send waits in the kernel, and all of it comes to the scheduler at once.
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "labs/tests/lab_test.hpp"

namespace comet::test {
namespace {

class Lab8 : public LabTest {
 protected:
  // A connection whose fiber waits for its next request.
  Connection connect_and_ask() {
    Connection connection = connect();
    connection.send(get_request("/stats"));
    EXPECT_EQ(connection.read_response().status, 200);
    wait_until_quiet(connection);
    return connection;
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

  std::vector<Connection> connect_all(int count) {
    std::vector<Connection> all;
    for (int i = 0; i < count; ++i) all.push_back(connect_and_ask());
    return all;
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

CONTRACT_TEST(Lab8, AWakeBeforeTheParkCounts, "subscribe, publish, channels, receivers",
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

CONTRACT_TEST(Lab8, TwoWakesGiveOneTurn, "subscribe, publish, channels, stats",
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
  subscriber.leave();
  pauses_.go_on();
  EXPECT_EQ(publisher.read_response().status, 200);
  wait_for("held", 0);
  const std::string message = random_word();
  Connection next = hold("/subscribe?channel=" + channel);
  expect_receivers(exchange(publish_request(message, channel)), 1);
  expect_message(next.read_response(), message);
}

// The busy client's requests are all there. The subscribe comes while the first of them is served.
CONTRACT_TEST(Lab8, FibersThatAreAlwaysReadyLeaveTheEventsATurn, "subscribe, publish, channels, stats",
              "holds until the next message on the channel") {
  constexpr int kRequests = 100;
  start();
  Connection busy = connect_and_ask();
  Connection subscriber = connect_and_ask();
  pauses_.stop_at("publish");
  std::string requests = publish_request(random_word(), random_word());
  for (int i = 0; i < kRequests; ++i) requests += get_request("/stats");
  send_and_wait(busy, requests);
  pauses_.wait_until_stopped();
  send_and_wait(subscriber, get_request("/subscribe?channel=" + random_word()));
  pauses_.go_on();
  EXPECT_EQ(busy.read_response().status, 200);
  Response last;
  for (int i = 0; i < kRequests; ++i) last = busy.read_response();
  EXPECT_NE(last.body.find("\"held\":1"), std::string::npos)
      << kRequests << " requests of one client were served before one request of another was seen";
}

CONTRACT_TEST(Lab8, ACallThatIsTooDeepEndsTheProcess, "publish, channels, stats", "`POST /publish`") {
  constexpr int kNeighbours = 20;
  start();
  const std::vector<Connection> above = connect_all(kNeighbours);
  Connection deep = connect_and_ask();
  const std::vector<Connection> below = connect_all(kNeighbours);  // new memory is mapped below the old
  deep.send(
      request("POST", "/publish?channel=too-deep", "Content-Type: text/plain\r\nConnection: close\r\n", "m"));
  std::string answer;
  try {
    answer = deep.read_until_closed();
  } catch (const ClientError&) {  // the server's end came as a reset
  }
  EXPECT_EQ(answer, "")
      << "a call went below its stack, into the memory of another fiber, and nothing stopped it";
  if (HasFailure()) return;
  EXPECT_EQ(server().wait_for_exit(patience()), 128 + SIGSEGV);
  forget_server();
}

CONTRACT_TEST(Lab8, FibersThatHaveEndedLeaveNothingBehind, "publish, stats",
              "Nothing that a client sends ends the process") {
  constexpr int kConnections = 50;
  start();
  const std::int64_t before = address_space();
  std::vector<Connection> connections = connect_all(kConnections);
  const std::int64_t with_all = address_space();
  connections.clear();
  wait_for("held", 0);
  connections = connect_all(kConnections);
  EXPECT_LT(address_space() - with_all, (with_all - before) / 2)
      << "pages of addresses that " << kConnections
      << " new connections took; as many others had closed before, "
      << "which had taken " << with_all - before;
}

}  // namespace
}  // namespace comet::test
