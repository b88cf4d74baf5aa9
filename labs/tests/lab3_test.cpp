// Lab 3, leave and drain: what its tests ask beyond the conformance suite.
#include <signal.h>

#include "labs/tests/lab_test.hpp"
#include "tests/conformance/process_group.hpp"

namespace comet::test {
namespace {

class Lab3 : public LabTest {
 protected:
  // Until the server has done all that it does at a signal, or has ended.
  void wait_until_drained() {
    std::string before;
    for (std::string now; now.empty() || now != before; now = sleeping_threads(server().pid())) {
      if (server().wait_for_exit(std::chrono::milliseconds(1))) return;
      before = now;
    }
  }

  static constexpr std::chrono::milliseconds kBetweenBytes{200};
};

CONTRACT_TEST(Lab3, ARequestBehindAHeldOneIsAnsweredAfterIt,
              "leaving, subscribe, publish, stats, http, health",
              "Bytes that come while a request is held wait their turn") {
  start();
  const std::string message = random_word();
  Connection subscriber = hold();
  subscriber.send(get_request("/healthz"));
  wait_until_asleep(subscriber);
  expect_receivers(publish(message), 1);
  expect_message(subscriber.read_response(), message);
  EXPECT_EQ(subscriber.read_response().body, "ok");
}

// A byte of the next request comes each time that a hold could begin anew: the time must not.
CONTRACT_TEST(Lab3, EarlyBytesDoNotLengthenAHold, "leaving, subscribe, timeout, stats, http, health",
              "a shorter hold, in decimal seconds") {
  start();
  const std::string next = get_request("/healthz");
  Connection subscriber = connect();
  hold_on(subscriber, get_request("/subscribe?timeout=1"));
  std::size_t sent = 0;
  while (!subscriber.readable_within(kBetweenBytes) && sent + 1 < next.size())
    subscriber.send(next.substr(sent++, 1));
  ASSERT_TRUE(subscriber.readable_within(std::chrono::milliseconds(0)))
      << "a hold of 1 s has not ended while bytes came, one each " << kBetweenBytes.count() << " ms";
  expect_nothing_new(subscriber.read_response());
  subscriber.send(next.substr(sent));
  EXPECT_EQ(subscriber.read_response().body, "ok");
}

// The client resets its connection when its thread has the message, and has not sent it yet.
CONTRACT_TEST(Lab3, AClientThatIsGoneIsNotCountedAsDelivered, "leaving, subscribe, publish, stats, counters",
              "never counts as delivered") {
  start();
  Connection other = connect();
  Connection reader = hold();
  expect_receivers(publish("for a client that is there"), 1);
  expect_message(reader.read_response(), "for a client that is there");
  wait_for("delivered", 1);
  Connection subscriber = hold();
  wait_until_quiet(other);
  pauses_.stop_at("deliver");
  expect_receivers(publish(random_word()), 1);
  wait_until_quiet(subscriber);
  if (!pauses_.has_stopped()) GTEST_SKIP() << "needs a server that sends with the kit";
  subscriber.reset();
  pauses_.go_on();
  wait_until_quiet(other);
  EXPECT_EQ(stat("delivered"), 1);
}

// It is read only when the server has had all the time that it takes to do what it does at the signal.
CONTRACT_TEST(Lab3, EndsOnlyWhenTheWritesInProgressAreDone, "drain, publish, cursors, http",
              "finishes the writes in progress") {
  start({"--max-message", std::to_string(big_message().size())});
  Connection client = ask_for_big_message(get_request("/subscribe?since=0"));
  wait_until_quiet(client);
  server().signal(SIGTERM);
  wait_until_drained();
  expect_message(client.read_response(), big_message());
  finish();
}

// Three writes are in progress. The second one goes on when the first client's connection has been closed: this
// must not be by the end of the process. The third one never ends.
CONTRACT_TEST(Lab3, ServesNobodyMoreWhileItEnds, "drain, publish, cursors, http",
              "the server stops accepting") {
  start({"--max-message", std::to_string(big_message().size())});
  Connection client = ask_for_big_message(get_request("/subscribe?since=0"));
  Connection slow = ask_for_big_message(get_request("/subscribe?since=0"));
  Connection silent = ask_for_big_message(get_request("/subscribe?since=0"));
  wait_until_quiet(client);
  server().signal(SIGTERM);
  wait_until_drained();
  EXPECT_THROW(connect(), ClientError) << "a new client is taken after SIGTERM";
  expect_message(client.read_response(), big_message());
  EXPECT_TRUE(client.at_end());
  EXPECT_NO_THROW(expect_message(slow.read_response(), big_message()))
      << "a connection whose answer is finished stays open until the process ends";
  finish();
}

}  // namespace
}  // namespace comet::test
