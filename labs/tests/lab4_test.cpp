// Lab 4, one loop: what its tests ask beyond the conformance suite.
#include <signal.h>

#include <fstream>
#include <iterator>
#include <optional>

#include "labs/tests/lab_test.hpp"
#include "tests/conformance/process_group.hpp"

namespace comet::test {
namespace {

class Lab4 : public LabTest {
 protected:
  // While one lives the server does not run. What comes meanwhile is there at once when it goes on: its loop
  // gets it in one round.
  class Standstill {
   public:
    explicit Standstill(ServerProcess& server) : server_(server) {
      server_.signal(SIGSTOP);
      const std::string status = "/proc/" + std::to_string(server_.pid()) + "/stat";
      for (char state = ' '; state != 'T';) {  // as soon as it has stopped
        std::ifstream file(status);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const auto name_end = text.rfind(')');
        state = name_end == std::string::npos ? 'Z' : text.at(name_end + 2);
        if (state == 'Z') throw ClientError("the server has ended");
      }
    }
    ~Standstill() { server_.signal(SIGCONT); }
    Standstill(const Standstill&) = delete;
    Standstill& operator=(const Standstill&) = delete;

   private:
    ServerProcess& server_;
  };

  // A connection that the server has accepted.
  Connection accepted() {
    Connection connection = connect();
    wait_until_quiet(connection);
    return connection;
  }

  std::string poll_of(const std::string& channel) { return get_request("/subscribe?channel=" + channel); }

  const std::vector<std::string> big_messages_{"--max-message", std::to_string(big_message().size())};
};

CONTRACT_TEST(Lab4, WhatComesAtOnceIsReadWhole, "subscribe, publish, channels",
              "A message is delivered with the bytes with which it was published") {
  start();
  const std::string channel = random_word();
  std::string message;
  while (message.size() < 40'000) message += random_word();
  Connection subscriber = hold("/subscribe?channel=" + channel);
  Connection publisher = accepted();
  {
    const Standstill standstill(server());
    publisher.send(publish_request(message, channel));
    publisher.wait_until_received();
  }
  EXPECT_EQ(publisher.read_response().status, 200);
  expect_message(subscriber.read_response(), message);
}

CONTRACT_TEST(Lab4, AllWhoConnectAtOnceAreServed, "stats",
              "`pattern pid uptime_s connections held published") {
  start();
  std::vector<Connection> clients;
  {
    const Standstill standstill(server());
    for (int i = 0; i < 3; ++i) {
      clients.push_back(connect());
      clients.back().send(get_request("/stats"));
    }
  }
  for (Connection& client : clients) EXPECT_EQ(client.read_response().status, 200);
}

// The client sends both requests before it reads, and nothing more: only room in the socket makes the server go on.
CONTRACT_TEST(Lab4, ARequestBehindASlowAnswerIsAnswered, "subscribe, publish, cursors, channels",
              "A message is delivered with the bytes with which it was published") {
  start(big_messages_);
  const std::string channel = random_word();
  EXPECT_EQ(publish(big_message(), channel).status, 200);
  Connection slow = connect(1 << 18);
  const std::string oldest = get_request("/subscribe?since=0&channel=" + channel);
  slow.send(oldest + oldest);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(slow.read_response().body.size(), big_message().size());
}

CONTRACT_TEST(Lab4, ASlowReaderHoldsUpNobody, "subscribe, publish, stats",
              "holds until the next message on the channel") {
  start(big_messages_);
  Connection slow = connect(1 << 18);
  hold_on(slow, get_request("/subscribe"));
  EXPECT_EQ(publish(big_message()).status, 200);
  Connection other = hold();
  const std::string message = random_word();
  EXPECT_EQ(publish(message).status, 200);
  expect_message(other.read_response(), message);
  EXPECT_EQ(slow.read_response().body.size(), big_message().size());
}

// Its second request lies behind the first one when that is answered.
CONTRACT_TEST(Lab4, WhoComesBackWaitsForTheNextMessage, "subscribe, publish, channels, stats",
              "only what is published from now on") {
  start();
  const std::string channel = random_word();
  Connection subscriber = connect();
  hold_on(subscriber, poll_of(channel) + poll_of(channel));
  for (int i = 0; i < 2; ++i) {
    const std::string message = random_word();
    EXPECT_EQ(publish(message, channel).status, 200);
    expect_message(subscriber.read_response(), message);
    wait_until_quiet(subscriber);
  }
}

// Behind the first one's poll lies a publish, which wakes more clients than were woken before it.
CONTRACT_TEST(Lab4, AWokenClientMayWakeOthers, "subscribe, publish, receivers, channels, stats, http",
              "Bytes that come while a request is held wait their turn") {
  start();
  const std::string one = random_word(), two = random_word();
  const std::string first_message = random_word(), second_message = random_word();
  Connection first = connect();
  hold_on(first, poll_of(one) + publish_request(second_message, two));
  Connection second = hold("/subscribe?channel=" + one);
  std::vector<Connection> woken_by_first;
  for (int i = 0; i < 3; ++i) {
    woken_by_first.push_back(connect());
    hold_on(woken_by_first.back(), poll_of(two) + get_request("/stats"));
  }
  expect_receivers(publish(first_message, one), 2);
  expect_message(first.read_response(), first_message);
  expect_receivers(first.read_response(), 3);
  expect_message(second.read_response(), first_message);
  for (Connection& woken : woken_by_first) {
    expect_message(woken.read_response(), second_message);
    EXPECT_EQ(woken.read_response().status, 200);
  }
}

// In one round: a publish that finds its subscriber gone, a new client, and the news that the subscriber has
// gone.
CONTRACT_TEST(Lab4, NewsOfOneClientMeetsNoOther, "subscribe, publish, channels, stats",
              "A held request whose client goes away (FIN or RST) is released within 1 s") {
  start();
  const std::string channel = random_word();
  Connection leaving = hold("/subscribe?channel=" + channel);
  Connection publisher = accepted();
  std::optional<Connection> newcomer;
  {
    const Standstill standstill(server());
    publisher.send(publish_request(random_word(), channel));
    publisher.wait_until_received();
    newcomer = connect();
    newcomer->send(get_request("/stats"));
    newcomer->wait_until_received();
    leaving.reset();
  }
  EXPECT_EQ(publisher.read_response().status, 200);
  EXPECT_EQ(newcomer->read_response().status, 200);
}

CONTRACT_TEST(Lab4, SleepsWhileNothingHappens, "subscribe, stats", "holds until the next message") {
  start();
  Connection held = hold("/subscribe?channel=" + random_word());
  expect_to_sleep();
}

}  // namespace
}  // namespace comet::test
