// GET /subscribe: holds, wakes, channels, time-outs.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class Subscribe : public ServerTest {};

TEST_F(Subscribe, HoldsUntilTheNextMessage) {
  start();
  Connection subscriber = hold();
  const Response published = publish("hello");
  const Response received = subscriber.read_response();
  expect_message(received, "hello");
  EXPECT_EQ(cursor_of(received), cursor_of(published));
  EXPECT_FALSE(received.has("Comet-Missed"));
  wait_for("held", 0);
}

TEST_F(Subscribe, OnePublishReachesTwoSubscribers) {
  start();
  Connection first = hold();
  Connection second = hold();
  EXPECT_EQ(publish("for both").header("Comet-Receivers"), "2");
  expect_message(first.read_response(), "for both");
  expect_message(second.read_response(), "for both");
  wait_for("held", 0);
}

TEST_F(Subscribe, WithoutCursorTakesOnlyWhatIsPublishedFromNowOn) {
  start();
  publish("too early");
  Connection subscriber = hold();
  publish("in time");
  expect_message(subscriber.read_response(), "in time");
}

TEST_F(Subscribe, AgainOnTheSameConnection) {
  start();
  Connection subscriber = connect();
  for (const char* message : {"one", "two", "three"}) {
    subscriber.send(get_request("/subscribe"));
    wait_for("held", 1);
    publish(message);
    expect_message(subscriber.read_response(), message);
    wait_for("held", 0);
  }
}

TEST_F(Subscribe, DefaultChannelIsAll) {
  start();
  Connection by_default = hold("/subscribe");
  Connection by_name = hold("/subscribe?channel=all");
  EXPECT_EQ(exchange(request("POST", "/publish", "", "x")).header("Comet-Receivers"), "2");
  expect_message(by_default.read_response(), "x");
  expect_message(by_name.read_response(), "x");
}

TEST_F(Subscribe, ChannelsAreSeparate) {
  start();
  Connection on_a = hold("/subscribe?channel=a");
  Connection on_b = hold("/subscribe?channel=b");
  EXPECT_EQ(publish("for b", "b").header("Comet-Receivers"), "1");
  expect_message(on_b.read_response(), "for b");
  EXPECT_EQ(stat("held"), 1);
  publish("for a", "a");
  expect_message(on_a.read_response(), "for a");
}

TEST_F(Subscribe, ChannelNamesOf1And64Characters) {
  start();
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
  for (const std::string& name : {std::string("-"), std::string("all"), alphabet}) {
    SCOPED_TRACE(name);
    Connection subscriber = hold("/subscribe?channel=" + name);
    EXPECT_EQ(publish("m", name).status, 200);
    expect_message(subscriber.read_response(), "m");
  }
}

TEST_F(Subscribe, ChannelNameMayBePercentEncoded) {
  start();
  Connection subscriber = hold("/subscribe?channel=%41%2Db");
  EXPECT_EQ(publish("m", "A-b").header("Comet-Receivers"), "1");
  expect_message(subscriber.read_response(), "m");
}

TEST_F(Subscribe, ChannelNamesAreCaseSensitive) {
  start();
  publish("lower", "news");
  expect_nothing_new(get("/subscribe?channel=News&since=0&timeout=0"));
}

TEST_F(Subscribe, UnknownParametersAreIgnored) {
  start();
  Connection subscriber = hold("/subscribe?color=blue&channel=a&&flag&since=0");
  publish("m", "a");
  expect_message(subscriber.read_response(), "m");
}

TEST_F(Subscribe, PublishesElsewhereDoNotWakeIt) {
  start();
  Connection waiting = hold("/subscribe?channel=quiet");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(publish("m", "busy").header("Comet-Receivers"), "0");
  EXPECT_EQ(stat("held"), 1);
}

class Timeout : public ServerTest {
 protected:
  static double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }
};

TEST_F(Timeout, ZeroAnswersAtOnce) {
  start();
  expect_nothing_new(get("/subscribe?timeout=0"));
  EXPECT_EQ(stat("held"), 0);
}

TEST_F(Timeout, ShorterThanTheHoldTimeoutEndsTheHold) {
  start();
  const auto begin = Clock::now();
  expect_nothing_new(get("/subscribe?timeout=1"));
  EXPECT_GE(seconds_since(begin), 0.95) << "the hold ended before its time";
  EXPECT_EQ(stat("held"), 0);
}

TEST_F(Timeout, HoldTimeoutEndsTheHold) {
  start({"--hold-timeout", "0.4"});
  const auto begin = Clock::now();
  expect_nothing_new(get("/subscribe"));
  EXPECT_GE(seconds_since(begin), 0.35) << "the hold ended before its time";
}

TEST_F(Timeout, LongerThanTheHoldTimeoutIsCutToIt) {
  start({"--hold-timeout", "0.4"});
  expect_nothing_new(get("/subscribe?timeout=86400"));
  expect_nothing_new(get("/subscribe?timeout=99999999999999999999"));
}

TEST_F(Timeout, EndsEachHoldAtItsOwnTime) {
  start();
  Connection patient = hold("/subscribe?timeout=30");
  Connection later = connect();
  later.send(get_request("/subscribe?timeout=0.6"));
  Connection sooner = connect();
  sooner.send(get_request("/subscribe?timeout=0.2"));
  expect_nothing_new(sooner.read_response());
  expect_nothing_new(later.read_response());
  EXPECT_EQ(stat("held"), 1);
  publish("still here");
  expect_message(patient.read_response(), "still here");
}

TEST_F(Timeout, ConnectionServesOnAfterIt) {
  start();
  Connection subscriber = connect();
  subscriber.send(get_request("/subscribe?timeout=0.1"));
  const Response nothing = subscriber.read_response();
  expect_nothing_new(nothing);
  publish("later");
  subscriber.send(get_request("/subscribe?since=" + cursor_of(nothing)));
  expect_message(subscriber.read_response(), "later");
}

TEST_F(Timeout, HeldRequestOutlivesHeaderAndIdleTimeouts) {
  start({"--header-timeout", "1", "--idle-timeout", "1"});
  Connection subscriber = hold("/subscribe?timeout=30");
  expect_nothing_new(get("/subscribe?timeout=2.2"));  // the clock of this test
  publish("still held");
  expect_message(subscriber.read_response(), "still held");
}

TEST_F(Timeout, MalformedIs400) {
  start();
  for (const char* value : {"-1", "abc", "", "1s", "nan", "inf", "0x1", "1.2.3", "%20", "."}) {
    SCOPED_TRACE("timeout='" + std::string(value) + "'");
    const Response response = get("/subscribe?timeout=" + std::string(value));
    expect_error(response, 400);
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
  }
}

}  // namespace
}  // namespace comet::test
