// GET /subscribe: holds, wakes, channels, time-outs.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class Subscribe : public ServerTest {};

CONTRACT_TEST(Subscribe, HoldsUntilTheNextMessage, "subscribe, publish",
              "holds until the next message on the channel: 200, `Content-Type: text/plain;charset=utf-8`, "
              "the message's bytes") {
  start();
  Connection subscriber = hold();
  const Response published = publish("hello");
  const Response received = subscriber.read_response();
  expect_message(received, "hello");
  if (keeps("cursors")) {
    EXPECT_EQ(cursor_of(received), cursor_of(published));
  }
  EXPECT_FALSE(received.has("Comet-Missed"));
  if (keeps("stats")) wait_for("held", 0);
}

CONTRACT_TEST(Subscribe, OnePublishReachesTwoSubscribers, "subscribe, publish",
              "holds until the next message on the channel") {
  start();
  Connection first = hold();
  Connection second = hold();
  expect_receivers(publish("for both"), 2);
  expect_message(first.read_response(), "for both");
  expect_message(second.read_response(), "for both");
  if (keeps("stats")) wait_for("held", 0);
}

CONTRACT_TEST(Subscribe, TwentyAreHeldAtOnce, "subscribe, publish",
              "holds until the next message on the channel") {
  start();
  std::vector<Connection> subscribers;
  for (int i = 0; i < 20; ++i) subscribers.push_back(hold());
  expect_receivers(publish("for all"), subscribers.size());
  for (Connection& subscriber : subscribers) expect_message(subscriber.read_response(), "for all");
}

CONTRACT_TEST(Subscribe, ClientsThatLeaveMeanwhileHarmNobody, "subscribe, publish",
              "Nothing that a client sends ends the process") {
  start();
  Connection closing = hold();
  Connection resetting = hold();
  Connection staying = hold();
  closing.leave();
  resetting.reset();
  for (const char* message : {"one", "two"}) {
    EXPECT_EQ(publish(message).status, 200);
    expect_message(staying.read_response(), message);
    if (keeps("stats")) wait_for("held", 0);  // else one of those that left may still be counted
    staying = hold();
  }
}

CONTRACT_TEST(Subscribe, WithoutCursorTakesOnlyWhatIsPublishedFromNowOn, "subscribe, publish",
              "only what is published from now on") {
  start();
  publish("too early");
  Connection subscriber = hold();
  publish("in time");
  expect_message(subscriber.read_response(), "in time");
}

CONTRACT_TEST(Subscribe, AgainOnTheSameConnection, "subscribe, publish, http",
              "Keep-alive and pipelining work") {
  start();
  Connection subscriber = connect();
  for (const char* message : {"one", "two", "three"}) {
    hold_on(subscriber, get_request("/subscribe"));
    publish(message);
    expect_message(subscriber.read_response(), message);
    if (keeps("stats")) wait_for("held", 0);
  }
}

CONTRACT_TEST(Subscribe, DefaultChannelIsAll, "channels, subscribe, publish", "default `all`") {
  start();
  Connection by_default = hold("/subscribe");
  Connection by_name = hold("/subscribe?channel=all");
  expect_receivers(exchange(request("POST", "/publish", "Content-Type: text/plain\r\n", "x")), 2);
  expect_message(by_default.read_response(), "x");
  expect_message(by_name.read_response(), "x");
}

CONTRACT_TEST(Subscribe, ChannelsAreSeparate, "channels, subscribe, publish",
              "holds until the next message on the channel") {
  start();
  Connection on_a = hold("/subscribe?channel=a");
  Connection on_b = hold("/subscribe?channel=b");
  expect_receivers(publish("for b", "b"), 1);
  expect_message(on_b.read_response(), "for b");
  if (keeps("stats")) {
    EXPECT_EQ(stat("held"), 1);
  }
  publish("for a", "a");
  expect_message(on_a.read_response(), "for a");
}

CONTRACT_TEST(Subscribe, ChannelNamesOf1And64Characters, "channels, subscribe, publish",
              "1 to 64 of `A-Za-z0-9._-`") {
  start();
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
  for (const std::string& name : {std::string("-"), std::string("all"), alphabet}) {
    SCOPED_TRACE(name);
    Connection subscriber = hold("/subscribe?channel=" + name);
    EXPECT_EQ(publish("m", name).status, 200);
    expect_message(subscriber.read_response(), "m");
  }
}

CONTRACT_TEST(Subscribe, ChannelNameMayBePercentEncoded, "channels, http, subscribe, publish",
              "Where the page is silent, RFC 9110 and RFC 9112 decide") {
  start();
  Connection subscriber = hold("/subscribe?channel=%41%2Db");
  expect_receivers(publish("m", "A-b"), 1);
  expect_message(subscriber.read_response(), "m");
}

CONTRACT_TEST(Subscribe, ChannelNamesAreCaseSensitive, "channels, publish, cursors, timeout",
              "1 to 64 of `A-Za-z0-9._-`") {
  start();
  publish("lower", "news");
  expect_nothing_new(get("/subscribe?channel=News&since=0&timeout=0"));
}

CONTRACT_TEST(Subscribe, UnknownParametersAreIgnored, "channels, subscribe, publish, cursors",
              "Parameters that are not in this table are ignored") {
  start();
  Connection subscriber = hold("/subscribe?color=blue&channel=a&&flag&since=0");
  publish("m", "a");
  expect_message(subscriber.read_response(), "m");
}

CONTRACT_TEST(Subscribe, PublishesElsewhereDoNotWakeIt, "channels, subscribe, publish",
              "holds until the next message on the channel") {
  start();
  Connection waiting = hold("/subscribe?channel=quiet");
  for (int i = 0; i < 20; ++i) expect_receivers(publish("m", "busy"), 0);
  publish("for it", "quiet");
  expect_message(waiting.read_response(), "for it");
}

class Timeout : public ServerTest {
 protected:
  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }
};

CONTRACT_TEST(Timeout, ZeroAnswersAtOnce, "timeout",
              "a shorter hold, in decimal seconds; 0 answers at once") {
  start();
  expect_nothing_new(get("/subscribe?timeout=0"));
  if (keeps("stats")) {
    EXPECT_EQ(stat("held"), 0);
  }
}

CONTRACT_TEST(Timeout, ShorterThanTheHoldTimeoutEndsTheHold, "timeout", "hold time over | 204, no body") {
  start();
  const auto begin = Clock::now();
  expect_nothing_new(get("/subscribe?timeout=1"));
  EXPECT_GE(seconds_since(begin), 0.95) << "the hold ended before its time";
  if (keeps("stats")) {
    EXPECT_EQ(stat("held"), 0);
  }
}

CONTRACT_TEST(Timeout, HoldTimeoutEndsTheHold, "timeout", "longest time a subscribe is held") {
  start({"--hold-timeout", "0.4"});
  const auto begin = Clock::now();
  expect_nothing_new(get("/subscribe"));
  EXPECT_GE(seconds_since(begin), 0.35) << "the hold ended before its time";
}

CONTRACT_TEST(Timeout, LongerThanTheHoldTimeoutIsCutToIt, "timeout",
              "more than `--hold-timeout` is cut to it") {
  start({"--hold-timeout", "0.4"});
  expect_nothing_new(get("/subscribe?timeout=86400"));
  expect_nothing_new(get("/subscribe?timeout=99999999999999999999"));
}

CONTRACT_TEST(Timeout, EndsEachHoldAtItsOwnTime, "timeout, subscribe, publish",
              "a shorter hold, in decimal seconds") {
  start();
  Connection patient = hold("/subscribe?timeout=30");
  Connection later = connect();
  later.send(get_request("/subscribe?timeout=0.6"));
  Connection sooner = connect();
  sooner.send(get_request("/subscribe?timeout=0.2"));
  expect_nothing_new(sooner.read_response());
  expect_nothing_new(later.read_response());
  if (keeps("stats")) {
    EXPECT_EQ(stat("held"), 1);
  }
  publish("still here");
  expect_message(patient.read_response(), "still here");
}

CONTRACT_TEST(Timeout, ConnectionServesOnAfterIt, "timeout, subscribe, publish, cursors, http",
              "Keep-alive and pipelining work") {
  start();
  Connection subscriber = connect();
  subscriber.send(get_request("/subscribe?timeout=0.1"));
  const Response nothing = subscriber.read_response();
  expect_nothing_new(nothing);
  publish("later");
  subscriber.send(get_request("/subscribe?since=" + cursor_of(nothing)));
  expect_message(subscriber.read_response(), "later");
}

CONTRACT_TEST(Timeout, HeldRequestOutlivesHeaderAndIdleTimeouts, "timeout, slow, subscribe, publish",
              "A connection is idle from its accept, or from its last answer on") {
  start({"--header-timeout", "1", "--idle-timeout", "1"});
  Connection subscriber = hold("/subscribe?timeout=30");
  expect_nothing_new(get("/subscribe?timeout=2.2"));  // the clock of this test
  publish("still held");
  expect_message(subscriber.read_response(), "still held");
}

CONTRACT_TEST(Timeout, MalformedIs400, "timeout, refusals", "bad channel, cursor or timeout") {
  start();
  for (const char* value : {"-1", "abc", "", "1s", "nan", "inf", "0x1", "1.2.3", "%20", "."}) {
    SCOPED_TRACE("timeout='" + std::string(value) + "'");
    const Response response = get("/subscribe?timeout=" + std::string(value));
    expect_error(response, 400);
    expect_not_stored(response);
  }
}

}  // namespace
}  // namespace comet::test
