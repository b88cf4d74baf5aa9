// A server that shares its messages with others: its publishes bring their cursors, and a poll may come with
// the cursor of a message that another server has had first.
#include <algorithm>

#include "tests/conformance/fixture.hpp"
#include "tests/conformance/token_file.hpp"

namespace comet::test {
namespace {

class Joined : public ServerTest {
 protected:
  void start_joined(const std::string& begin = "0") {
    start({"--publish-token-file", token_.path(), "--joined", begin});
  }
  // As the relay publishes.
  Response try_to_bring(std::string_view message, const std::string& cursor,
                        const std::string& channel = "all") {
    return publish_with("Comet-Cursor: " + cursor + "\r\n" + kRightToken, message, channel);
  }
  void bring(std::string_view message, const std::string& cursor, const std::string& channel = "all") {
    const Response published = try_to_bring(message, cursor, channel);
    EXPECT_EQ(published.status, 200) << published.body;
    EXPECT_EQ(published.header("Comet-Cursor"), cursor) << "a message gets another cursor than it has";
  }
  Response publish_with(const std::string& fields, std::string_view message = "m",
                        const std::string& channel = "all") {
    return exchange(request("POST", channel == "all" ? "/publish" : "/publish?channel=" + channel,
                            "Content-Type: text/plain\r\nConnection: close\r\n" + fields, message));
  }
  Response poll_since(const std::string& since) { return get("/subscribe?timeout=0&since=" + since); }

  static void expect_message_at(const Response& response, std::string_view message,
                                const std::string& cursor) {
    expect_message(response, message);
    EXPECT_EQ(response.header("Comet-Cursor"), cursor);
    EXPECT_FALSE(response.has("Comet-Missed")) << "a cursor ahead is taken for one of another log";
  }
  static void expect_refused_at_start(ServerProcess& process, const std::string& named) {
    EXPECT_EQ(process.wait_for_exit(patience()), 64) << "it starts all the same";
    const std::string errors = process.errors();
    EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
    EXPECT_NE(errors.find(named), std::string::npos) << errors;
  }

  const TokenFile token_{kToken};
};

CONTRACT_TEST(Joined, PublishBringsTheCursorOfItsMessage, "joined, cursors, publish, publish-get, timeout",
              "A publish brings the cursor of its message in `Comet-Cursor`") {
  start_joined();
  bring("first", "1000-5");
  expect_message_at(poll_since("0"), "first", "1000-5");
  EXPECT_EQ(
      exchange(request("GET", "/publish?message=second", "comet-cursor: 1001-0\r\n" + kRightToken)).status,
      200);
  expect_message_at(poll_since("1000-5"), "second", "1001-0");
}

CONTRACT_TEST(Joined, PublishWithoutACursorIs421AndIsToldWhereToGo, "joined, cursors, publish, timeout",
              "A publish without that header is 421, and its text says where to publish") {
  start_joined();
  const Response refused = publish_with(kRightToken);
  expect_error(refused, 421);
  EXPECT_NE(refused.body.find("relay"), std::string::npos) << refused.body;
  expect_nothing_new(poll_since("0"));
}

CONTRACT_TEST(Joined, PublishWithoutTheTokenIs401, "joined, cursors, publish, timeout",
              "It is taken only with the token, so `--joined` needs `--publish-token-file`") {
  start_joined();
  for (const std::string& fields : {std::string(), std::string("Comet-Cursor: 1000-0\r\n"),
                                    "Comet-Cursor: 1000-0\r\nAuthorization: Bearer x" + kToken + "\r\n"}) {
    SCOPED_TRACE(fields);
    expect_error(publish_with(fields), 401);
  }
  expect_nothing_new(poll_since("0"));
}

CONTRACT_TEST(Joined, MalformedCursorOfAPublishIs400, "joined, cursors, publish, timeout",
              "A cursor that is malformed or 0 is 400") {
  start_joined();
  for (const char* cursor : {"0", "0-0", "x", "1", "1-", "1-2-3", "-1-2", "18446744073709551616-0",
                             "1000-0\r\nComet-Cursor: 1000-0"}) {
    SCOPED_TRACE(cursor);
    expect_error(try_to_bring("m", cursor), 400);
  }
  expect_nothing_new(poll_since("0"));
}

CONTRACT_TEST(Joined, CursorNotAboveTheChannelsLastIs409, "joined, cursors, channels, publish, timeout",
              "one that is not above the channel's last is 409") {
  start_joined("500-7");
  for (const char* cursor : {"500-7", "500-6", "1-1"})
    expect_error(try_to_bring("before the log", cursor), 409);
  bring("first", "1000-5");
  for (const char* cursor : {"1000-5", "1000-4", "999-9"}) expect_error(try_to_bring("again", cursor), 409);
  bring("of another channel", "999-9", "b");
  bring("second", "1000-6");
  expect_message_at(poll_since("500-7"), "first", "1000-5");
  expect_message_at(poll_since("1000-5"), "second", "1000-6");
  expect_nothing_new(poll_since("1000-6"));
}

CONTRACT_TEST(Joined, CursorAheadIsHeldAndPassesOverWhatItsClientHasSeen,
              "joined, cursors, subscribe, publish", "messages up to its cursor are passed over") {
  start_joined();
  bring("a", "1000-1");
  Connection subscriber = hold("/subscribe?since=1000-3");
  bring("b", "1000-2");
  bring("c", "1000-3");
  bring("d", "1000-4");
  expect_message_at(subscriber.read_response(), "d", "1000-4");
}

CONTRACT_TEST(Joined, CursorAheadOfAChannelWithoutMessagesIsHeldToo,
              "joined, cursors, subscribe, channels, publish",
              "is held, without `Comet-Missed`, until there is a message after it") {
  start_joined("500-0");
  Connection subscriber = hold("/subscribe?channel=b&since=1000-3");
  bring("other", "1000-9", "c");
  bring("seen", "1000-2", "b");
  bring("new", "1001-0", "b");
  expect_message_at(subscriber.read_response(), "new", "1001-0");
}

CONTRACT_TEST(Joined, EachWaitsForTheFirstMessageAfterItsOwnCursor, "joined, cursors, subscribe, publish",
              "is held, without `Comet-Missed`, until there is a message after it") {
  start_joined();
  bring("1", "1000-1");
  Connection at_the_end = hold("/subscribe?since=1000-1");
  Connection furthest = hold("/subscribe?since=1000-5");
  Connection ahead = hold("/subscribe?since=1000-3");
  Connection as_far = hold("/subscribe?since=1000-3");
  bring("2", "1000-2");
  expect_message_at(at_the_end.read_response(), "2", "1000-2");
  bring("4", "1000-4");
  expect_message_at(ahead.read_response(), "4", "1000-4");
  expect_message_at(as_far.read_response(), "4", "1000-4");
  bring("6", "1000-6");
  expect_message_at(furthest.read_response(), "6", "1000-6");
}

CONTRACT_TEST(Joined, TimeoutSendsBackNoSmallerCursor, "joined, cursors, publish, timeout",
              "The cursor of its 204 is never below the request's") {
  start_joined();
  bring("a", "1000-1");
  for (const char* target : {"/subscribe?timeout=0&since=1000-3", "/subscribe?timeout=0.1&since=1000-3"}) {
    const Response response = get(target);
    expect_nothing_new(response);
    EXPECT_EQ(response.header("Comet-Cursor"), "1000-3");
  }
  Connection held = hold("/subscribe?timeout=3&since=1000-3");
  bring("b", "1000-2");
  const Response response = held.read_response();
  expect_nothing_new(response);
  EXPECT_EQ(response.header("Comet-Cursor"), "1000-3");
}

CONTRACT_TEST(Joined, DrainAnswersThoseWhoseCursorIsAhead, "joined, cursors, subscribe, drain",
              "answers every held request with 503") {
  start_joined();
  Connection subscriber = hold("/subscribe?since=1000-3");
  drain();
  EXPECT_EQ(subscriber.read_response().status, 503);
  forget_server();
}

CONTRACT_TEST(Joined, ClientWhoseCursorIsAheadIsReleasedWhenItLeaves,
              "joined, cursors, subscribe, publish, leaving, stats, counters", "is released within 1 s") {
  start_joined();
  Connection leaves = hold("/subscribe?since=1000-3");
  Connection stays = hold("/subscribe?since=1000-3");
  leaves.leave();
  wait_for("held", 1, kReleaseBound);
  bring("new", "1000-4");
  expect_message_at(stays.read_response(), "new", "1000-4");
  Connection alone = hold("/subscribe?channel=b&since=1000-9");
  wait_for("channels", 2);
  alone.leave();
  wait_for("channels", 1, kReleaseBound);
}

CONTRACT_TEST(Joined, OlderCursorThanTheLogsBeginningIsToldOfTheGap,
              "joined, cursors, subscribe, publish, timeout", "A cursor older than that is told of the gap") {
  start_joined("500-7");
  Connection older = hold("/subscribe?since=500-6");
  Connection as_old = hold("/subscribe?since=500-7");
  bring("new", "600-0");
  const Response response = older.read_response();
  expect_message(response, "new");
  EXPECT_EQ(response.header("Comet-Missed"), "true") << "what came before the log is skipped in silence";
  expect_message_at(as_old.read_response(), "new", "600-0");
  EXPECT_EQ(poll_since("400-0").header("Comet-Missed"), "true");
}

CONTRACT_TEST(Joined, OptionNeedsACursorAndTheToken, "joined, process",
              "It is taken only with the token, so `--joined` needs `--publish-token-file`") {
  CommandValues values;
  values.options = {"--joined", "0"};
  expect_refused_at_start(*launch(values), "--publish-token-file");
  values.options = {"--publish-token-file", token_.path(), "--joined", "now"};
  expect_refused_at_start(*launch(values), "'now'");
}

}  // namespace
}  // namespace comet::test
