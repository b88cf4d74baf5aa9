// Cursors: resume, announced gaps, malformed ones, and growth across restarts.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

constexpr int kMostChannels = 4'096;  // that are retained

class Cursors : public ServerTest {
 protected:
  Response poll_since(const std::string& since) { return get("/subscribe?timeout=0&since=" + since); }
};

CONTRACT_TEST(Cursors, ResumeGetsEveryRetainedMessageOnceInOrder, "cursors, publish, timeout",
              "gets every retained message once, in order") {
  start();
  std::string since = "0";
  for (const char* message : {"one", "two", "three", "four"}) publish(message);
  for (const char* message : {"one", "two", "three", "four"}) {
    const Response response = poll_since(since);
    expect_message(response, message);
    EXPECT_FALSE(response.has("Comet-Missed"));
    EXPECT_GT(cursor(cursor_of(response)), cursor(since)) << "the cursor does not grow";
    since = cursor_of(response);
  }
  expect_nothing_new(poll_since(since));
}

CONTRACT_TEST(Cursors, OfAPublishResumesAfterIt, "cursors, publish, timeout",
              "the first message after the cursor: at once if it is retained") {
  start();
  const std::string first = cursor_of(publish("first"));
  publish("second");
  expect_message(poll_since(first), "second");
}

CONTRACT_TEST(Cursors, ZeroIsTheOldestRetained, "cursors, publish, timeout",
              "`since=0` is the oldest retained") {
  start({"--history", "2"});
  for (const char* message : {"gone", "oldest", "newest"}) publish(message);
  expect_message(poll_since("0"), "oldest");
}

CONTRACT_TEST(Cursors, AtTheEndIsHeldForTheNextMessage, "cursors, subscribe, publish",
              "the first message after the cursor: at once if it is retained, else held") {
  start();
  const std::string last = cursor_of(publish("old"));
  Connection subscriber = hold("/subscribe?since=" + last);
  publish("new");
  const Response response = subscriber.read_response();
  expect_message(response, "new");
  EXPECT_FALSE(response.has("Comet-Missed"));
}

CONTRACT_TEST(Cursors, ZeroOnAnEmptyChannelIsHeldForTheFirstMessage, "cursors, subscribe, publish",
              "the first message after the cursor: at once if it is retained, else held") {
  start();
  Connection subscriber = hold("/subscribe?since=0");
  publish("first");
  const Response response = subscriber.read_response();
  expect_message(response, "first");
  EXPECT_FALSE(response.has("Comet-Missed"));
}

CONTRACT_TEST(Cursors, BelongToTheirChannel, "cursors, channels, publish, timeout",
              "ordered within a channel") {
  start();
  const std::string on_a = cursor_of(publish("a1", "a"));
  publish("b1", "b");
  publish("a2", "a");
  expect_message(get("/subscribe?channel=a&timeout=0&since=" + on_a), "a2");
  expect_message(get("/subscribe?channel=b&timeout=0&since=0"), "b1");
}

CONTRACT_TEST(Cursors, OlderThanRetainedIsAnsweredFromTheOldestAndSaysTheGap, "cursors, publish, timeout",
              "is answered from the oldest retained message with `Comet-Missed: true`") {
  start({"--history", "4"});
  const std::string first = cursor_of(publish("1"));
  for (const char* message : {"2", "3", "4", "5", "6"}) publish(message);
  const Response response = poll_since(first);
  expect_message(response, "3");
  EXPECT_EQ(response.header("Comet-Missed"), "true") << "a gap is skipped in silence";
  const Response next = poll_since(cursor_of(response));
  expect_message(next, "4");
  EXPECT_FALSE(next.has("Comet-Missed"));
}

CONTRACT_TEST(Cursors, JustBeforeTheOldestRetainedMissesNothing, "cursors, publish, timeout",
              "is answered from the oldest retained message with `Comet-Missed: true`") {
  start({"--history", "4"});
  publish("1");
  const std::string second = cursor_of(publish("2"));
  for (const char* message : {"3", "4", "5", "6"}) publish(message);
  const Response response = poll_since(second);
  expect_message(response, "3");
  EXPECT_FALSE(response.has("Comet-Missed")) << "a gap is announced, and there is none";
}

CONTRACT_TEST(Cursors, OfATimeoutGetsTheNextMessage, "cursors, channels, publish, timeout",
              "The cursor of a 204 is the place from which the next poll loses nothing") {
  start();
  for (const char* channel : {"never-used", "used"}) {
    SCOPED_TRACE(channel);
    if (std::string(channel) == "used") publish("before", channel);
    const std::string poll = "/subscribe?timeout=0&channel=" + std::string(channel);
    const std::string since = cursor_of(get(poll));
    publish("after", channel);
    const Response response = get(poll + "&since=" + since);
    expect_message(response, "after");
    EXPECT_FALSE(response.has("Comet-Missed"));
    expect_nothing_new(get(poll + "&since=" + cursor_of(response)));
  }
}

CONTRACT_TEST(Cursors, OfATimeoutIsNotSmallerThanTheOneSent, "cursors, publish, timeout",
              "The cursor of a 204 is the place from which the next poll loses nothing") {
  start();
  const std::string since = cursor_of(publish("m"));
  EXPECT_GE(cursor(cursor_of(poll_since(since))), cursor(since));
}

CONTRACT_TEST(Cursors, MalformedIs400, "cursors, timeout, refusals", "A malformed cursor is 400") {
  start();
  for (const char* text : {"", "abc", "-", "1-", "-1", "1-2-3", "1_2", "-1-2", "1--2", "0x1-2", "1-2%20",
                           "+1-2", "1.5-2", "1", "00x", "1-%00"}) {
    SCOPED_TRACE("since='" + std::string(text) + "'");
    const Response response = poll_since(text);
    expect_error(response, 400);
    expect_not_stored(response);
  }
}

CONTRACT_TEST(Cursors, OutOfRangeIsAnsweredNotTrusted, "cursors, publish, timeout",
              "Nothing that a client sends ends the process") {
  start();
  publish("m");
  for (const char* text : {"18446744073709551615-18446744073709551615", "18446744073709551616-0",
                           "99999999999999999999999999-99999999999999999999999999"}) {
    SCOPED_TRACE(text);
    const int status = poll_since(text).status;
    EXPECT_TRUE(status == 200 || status == 400) << status;
  }
  publish("and on");
  expect_message(poll_since("0"), "m");
}

// From before a restart, say, when the clock went an hour ahead.
CONTRACT_TEST(Cursors, AheadOfTheLogIsAnsweredFromTheOldestAndSaysTheGap, "cursors, publish, timeout",
              "It is treated like one that is too old: answered from the oldest retained message") {
  start({"--history", "2"});
  for (const char* message : {"gone", "oldest", "newest"}) publish(message);
  const std::string last = cursor_of(get("/subscribe?timeout=0"));
  for (const std::string& ahead :
       {std::to_string(cursor(last).first + 3'600'000) + "-0",
        std::to_string(cursor(last).first) + "-" + std::to_string(cursor(last).second + 1)}) {
    SCOPED_TRACE(ahead);
    const Response response = poll_since(ahead);
    expect_message(response, "oldest");
    EXPECT_EQ(response.header("Comet-Missed"), "true") << "a cursor of another log is taken for one of this";
    const Response next = poll_since(cursor_of(response));
    expect_message(next, "newest");
    EXPECT_FALSE(next.has("Comet-Missed"));
  }
}

CONTRACT_TEST(
    Cursors, AheadOfAnEmptyLogIsHeldForTheNextMessageWhichSaysTheGap, "cursors, subscribe, publish, timeout",
    "If nothing is retained, such a request is held, and the next message carries `Comet-Missed: true`") {
  start();
  const std::string last = cursor_of(get("/subscribe?timeout=0"));
  const std::string ahead = std::to_string(cursor(last).first + 3'600'000) + "-0";
  Connection subscriber = hold("/subscribe?since=" + ahead);
  publish("new");
  const Response response = subscriber.read_response();
  expect_message(response, "new");
  EXPECT_EQ(response.header("Comet-Missed"), "true") << "a cursor of another log is taken for one of this";
  EXPECT_LT(cursor(cursor_of(response)), cursor(ahead));
}

CONTRACT_TEST(Cursors, IntoAForgottenChannelSaysTheGap,
              "cursors, channels, publish, publish-get, timeout, http, counters",
              "a cursor into it is told of the gap") {
  start();
  const std::string oldest = cursor_of(publish("oldest", "0"));
  publish("lost", "0");
  Connection publisher = connect();
  const auto publish_to = [&publisher](int channel) {
    publisher.send(get_request("/publish?message=m&channel=" + std::to_string(channel)));
    EXPECT_EQ(publisher.read_response().status, 200);
  };
  for (int channel = 1; channel < kMostChannels; ++channel) publish_to(channel);
  wait_for("channels", kMostChannels);
  publish_to(kMostChannels);  // channel 0 has the oldest publish
  EXPECT_EQ(stat("channels"), kMostChannels);
  publish("new", "0");
  const Response response = get("/subscribe?timeout=0&channel=0&since=" + oldest);
  expect_message(response, "new");
  EXPECT_EQ(response.header("Comet-Missed"), "true") << "a forgotten channel is passed over in silence";
}

CONTRACT_TEST(Cursors, GrowAcrossADrainAndRestart, "cursors, publish, timeout",
              "growing across restarts as long as the clock does") {
  start();
  const std::string before = cursor_of(publish("before"));
  drain();
  start();
  const std::string idle = cursor_of(get("/subscribe?timeout=0"));
  const std::string after = cursor_of(publish("after"));
  EXPECT_GT(cursor(after), cursor(before)) << "a cursor after the restart is smaller than one before it";
  EXPECT_GE(cursor(after), cursor(idle));
  const Response response = poll_since(before);
  expect_message(response, "after");
  EXPECT_EQ(response.header("Comet-Missed"), "true") << "what the restart lost is skipped in silence";
  EXPECT_EQ(cursor_of(response), after);
}

CONTRACT_TEST(Cursors, FromBeforeARestartIsHeldForTheFirstMessageAfterIt, "cursors, subscribe, publish",
              "because the log ends with the process") {
  start();
  const std::string before = cursor_of(publish("before"));
  drain();
  start();
  Connection subscriber = hold("/subscribe?since=" + before);
  publish("after");
  const Response response = subscriber.read_response();
  expect_message(response, "after");
  EXPECT_EQ(response.header("Comet-Missed"), "true") << "what the restart lost is skipped in silence";
  EXPECT_GT(cursor(cursor_of(response)), cursor(before));
}

CONTRACT_TEST(Cursors, OfATimeoutAfterARestartStillGetTheNextMessage, "cursors, publish, timeout",
              "The cursor of a 204 is the place from which the next poll loses nothing") {
  start();
  const std::string before = cursor_of(publish("before"));
  drain();
  start();
  const Response nothing = poll_since(before);
  expect_nothing_new(nothing);
  EXPECT_GE(cursor(cursor_of(nothing)), cursor(before)) << "a client is sent back to a smaller cursor";
  publish("after");
  expect_message(poll_since(cursor_of(nothing)), "after");
}

}  // namespace
}  // namespace comet::test
