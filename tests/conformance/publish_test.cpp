// /publish: form, raw and query messages, encodings, sizes.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

const std::string kForm = "Content-Type: application/x-www-form-urlencoded\r\n";
const std::string kText = "Content-Type: text/plain\r\n";

class Publish : public ServerTest {
 protected:
  std::string form(std::string_view body) { return request("POST", "/publish", kForm, body); }
  std::string text(std::string_view body) { return request("POST", "/publish", kText, body); }
};

CONTRACT_TEST(Publish, AnswersOkWithCursorAndReceivers, "publish", "200, `text/plain`, body `ok`") {
  start();
  const Response response = publish("m");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok");
  EXPECT_EQ(response.header("Content-Type").substr(0, 10), "text/plain");
  expect_receivers(response, 0);
  if (keeps("cursors")) {
    EXPECT_GT(cursor(cursor_of(response)), cursor("0"));
  }
}

CONTRACT_TEST(Publish, SaysHowManyItWoke, "receivers, subscribe, publish",
              "`Comet-Receivers: N` on `/publish` says how many held requests the message woke") {
  start();
  expect_receivers(publish("for nobody"), 0);
  Connection first = hold();
  Connection second = hold();
  expect_receivers(publish("for both"), 2);
  expect_receivers(publish("for nobody any more"), 0);
}

CONTRACT_TEST(Publish, CursorsGrow, "publish, cursors",
              "A cursor is `MILLISECONDS-SEQUENCE`: ordered within a channel") {
  start();
  std::string last = "0";
  for (int i = 0; i < 50; ++i) {
    const std::string next = cursor_of(publish("m"));
    EXPECT_GT(cursor(next), cursor(last));
    last = next;
  }
}

CONTRACT_TEST(Publish, FormBody, "publish-form, subscribe", "the field `message` of a form") {
  start();
  EXPECT_EQ(delivered_by(form("message=hello")), "hello");
  EXPECT_EQ(delivered_by(form("a=1&message=hello&b=2")), "hello");
  EXPECT_EQ(delivered_by(form("message=a+b%2Bc%26d%3De%25")), "a b+c&d=e%");
  EXPECT_EQ(delivered_by(form("message=%D0%BC%D0%B8%D1%80")), "мир");
  EXPECT_EQ(delivered_by(form("message=a=b=c")), "a=b=c");
}

CONTRACT_TEST(Publish, FormTypeWithParametersAndInAnyCase, "publish-form, http, subscribe",
              "the field `message` of a form") {
  start();
  for (const char* type :
       {"application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded;charset=utf-8"}) {
    SCOPED_TRACE(type);
    EXPECT_EQ(delivered_by(request("POST", "/publish", "Content-Type: " + std::string(type) + "\r\n",
                                   "message=a%20b")),
              "a b");
  }
}

CONTRACT_TEST(Publish, RawBody, "publish, subscribe", "or the raw body as `text/plain`") {
  start();
  EXPECT_EQ(delivered_by(text("no form: a=b & 100%+")), "no form: a=b & 100%+");
  EXPECT_EQ(delivered_by(text("мир")), "мир");
}

CONTRACT_TEST(Publish, RawTypeWithParametersInAnyCaseAndNone, "publish, http, subscribe",
              "or the raw body as `text/plain` or without a type") {
  start();
  for (const char* type :
       {"Content-Type: Text/Plain; charset=utf-8\r\n", "Content-Type: text/plain\r\n", ""}) {
    SCOPED_TRACE(type);
    EXPECT_EQ(delivered_by(request("POST", "/publish", type, "message=raw")), "message=raw");
  }
}

CONTRACT_TEST(Publish, AnyBytesArriveAsTheyWereSent, "publish, subscribe", "the message's bytes") {
  start();
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  bytes += "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
  EXPECT_EQ(delivered_by(text(bytes)), bytes);
  Connection subscriber = hold();
  exchange(text(bytes));
  expect_message(subscriber.read_response(), bytes);
}

CONTRACT_TEST(Publish, QueryOfAGet, "publish-get, channels, subscribe",
              "| `GET /publish?message=` | the same.") {
  start();
  EXPECT_EQ(delivered_by(get_request("/publish?message=hello")), "hello");
  EXPECT_EQ(delivered_by(get_request("/publish?channel=all&message=a+b%20c%2B%3D&x=y")), "a b c+=");
  EXPECT_EQ(delivered_by(get_request("/publish?message=%D0%BC%D0%B8%D1%80")), "мир");
}

CONTRACT_TEST(Publish, EmptyMessage, "publish, publish-form, publish-get, subscribe",
              "with `Content-Length: 0` the message is empty") {
  start();
  EXPECT_EQ(delivered_by(form("message=")), "");
  EXPECT_EQ(delivered_by(get_request("/publish?message=")), "");
  EXPECT_EQ(delivered_by(request("POST", "/publish", kText + "Content-Length: 0\r\n")), "");
  Connection subscriber = hold();
  publish("");
  expect_message(subscriber.read_response(), "");
}

CONTRACT_TEST(Publish, MissingMessageIs400, "publish, publish-form, publish-get, channels, refusals",
              "bad channel, cursor or timeout; no message") {
  start();
  expect_error(exchange(form("a=b")), 400);
  expect_error(get("/publish"), 400);
  expect_error(get("/publish?channel=all"), 400);
  // Neither Content-Length nor chunked: no body (RFC 9112 section 6.3), and so no message.
  expect_error(exchange(request("POST", "/publish")), 400);
  expect_error(exchange(request("POST", "/publish", kText)), 400);
  if (keeps("counters")) {
    EXPECT_EQ(stat("published"), 0);
  }
}

CONTRACT_TEST(Publish, BadPercentEncodingIs400, "publish-form, publish-get, refusals", "| 400 | malformed") {
  start();
  for (const char* bad : {"%", "%4", "%zz", "a%2", "%%20"}) {
    SCOPED_TRACE(bad);
    expect_error(exchange(form("message=" + std::string(bad))), 400);
    expect_error(get("/publish?message=" + std::string(bad)), 400);
  }
}

CONTRACT_TEST(Publish, BadChannelIs400, "channels, publish, subscribe, refusals",
              "default `all`; anything else is 400") {
  start();
  for (const std::string& name :
       {std::string(), std::string(65, 'a'), std::string("a%2Fb"), std::string("a%20b"), std::string("a+b"),
        std::string("%C3%A9"), std::string("a%00"), std::string("a*"), std::string("a%zz")}) {
    SCOPED_TRACE(name);
    expect_error(publish("m", name), 400);
    const Response response = get("/subscribe?channel=" + name);
    expect_error(response, 400);
    expect_not_stored(response);
  }
}

CONTRACT_TEST(Publish, OtherContentTypeIs415, "publish, refusals", "a body that is neither a form nor text") {
  start();
  for (const char* type : {"application/json", "multipart/form-data; boundary=x", "text/html"}) {
    SCOPED_TRACE(type);
    expect_error(exchange(request("POST", "/publish", "Content-Type: " + std::string(type) + "\r\n", "{}")),
                 415);
  }
}

CONTRACT_TEST(Publish, LargestMessage, "publish, subscribe, refusals",
              "the message is over `--max-message`") {
  start();
  const std::string largest(65'536, 'x');
  EXPECT_EQ(delivered_by(text(largest)), largest);
  expect_error(exchange(text(largest + "x")), 413);
}

CONTRACT_TEST(Publish, MaxMessageIsCountedInDecodedBytes,
              "publish, publish-form, publish-get, subscribe, refusals",
              "the message is over `--max-message`") {
  start({"--max-message", "100"});
  std::string encoded = "message=";
  for (int i = 0; i < 100; ++i) encoded += "%41";
  EXPECT_EQ(delivered_by(text(std::string(100, 'A'))), std::string(100, 'A'));
  EXPECT_EQ(delivered_by(form(encoded)), std::string(100, 'A'));
  EXPECT_EQ(delivered_by(get_request("/publish?" + encoded)), std::string(100, 'A'));
  expect_error(exchange(text(std::string(101, 'A'))), 413);
  expect_error(exchange(form(encoded + "A")), 413);
  expect_error(get("/publish?" + encoded + "A"), 413);
}

CONTRACT_TEST(Publish, IsInTheLogBeforeItIsAnswered, "publish, cursors, timeout, http",
              "sent once the message is in the channel's log") {
  start();
  Connection publisher = connect();
  Connection subscriber = connect();
  std::string since = "0";
  for (int i = 0; i < 100; ++i) {
    publisher.send(request("POST", "/publish", kText, std::to_string(i)));
    EXPECT_EQ(publisher.read_response().status, 200);
    subscriber.send(get_request("/subscribe?timeout=0&since=" + since));
    const Response response = subscriber.read_response();
    ASSERT_EQ(response.status, 200) << "an answered publish is not in the log yet";
    EXPECT_EQ(response.body, std::to_string(i));
    since = cursor_of(response);
  }
}

}  // namespace
}  // namespace comet::test
