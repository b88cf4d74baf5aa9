// /publish: form, raw and query messages, encodings, sizes.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

const std::string kForm = "Content-Type: application/x-www-form-urlencoded\r\n";
const std::string kText = "Content-Type: text/plain\r\n";

class Publish : public ServerTest {
 protected:
  // Publishes with the request and gives what a subscriber of channel `all` then finds in the log.
  std::string message_of(std::string_view publish_request) {
    const std::string last = cursor_of(get("/subscribe?timeout=0"));
    const Response response = exchange(publish_request);
    EXPECT_EQ(response.status, 200) << response.body;
    const Response received = get("/subscribe?timeout=0&since=" + last);
    EXPECT_EQ(received.status, 200) << "the message is not in the log when its publish is answered";
    EXPECT_EQ(received.header("Comet-Cursor"), response.header("Comet-Cursor"));
    return received.body;
  }
  std::string form(std::string_view body) { return request("POST", "/publish", kForm, body); }
  std::string text(std::string_view body) { return request("POST", "/publish", kText, body); }
};

TEST_F(Publish, AnswersOkWithCursorAndReceivers) {
  start();
  const Response response = publish("m");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "ok");
  EXPECT_EQ(response.header("Content-Type").substr(0, 10), "text/plain");
  EXPECT_EQ(response.header("Comet-Receivers"), "0");
  EXPECT_GT(cursor(cursor_of(response)), cursor("0"));
}

TEST_F(Publish, CursorsGrow) {
  start();
  std::string last = "0";
  for (int i = 0; i < 50; ++i) {
    const std::string next = cursor_of(publish("m"));
    EXPECT_GT(cursor(next), cursor(last));
    last = next;
  }
}

TEST_F(Publish, FormBody) {
  start();
  EXPECT_EQ(message_of(form("message=hello")), "hello");
  EXPECT_EQ(message_of(form("a=1&message=hello&b=2")), "hello");
  EXPECT_EQ(message_of(form("message=a+b%2Bc%26d%3De%25")), "a b+c&d=e%");
  EXPECT_EQ(message_of(form("message=%D0%BC%D0%B8%D1%80")), "мир");
  EXPECT_EQ(message_of(form("message=a=b=c")), "a=b=c");
}

TEST_F(Publish, FormTypeWithParametersAndInAnyCase) {
  start();
  for (const char* type :
       {"application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded;charset=utf-8"}) {
    SCOPED_TRACE(type);
    EXPECT_EQ(message_of(request("POST", "/publish", "Content-Type: " + std::string(type) + "\r\n",
                                 "message=a%20b")),
              "a b");
  }
}

TEST_F(Publish, RawBody) {
  start();
  EXPECT_EQ(message_of(text("message=not a form & 100%+")), "message=not a form & 100%+");
  EXPECT_EQ(message_of(request("POST", "/publish", "Content-Type: Text/Plain; charset=utf-8\r\n", "мир")),
            "мир");
}

TEST_F(Publish, RawBodyWithoutContentType) {
  start();
  EXPECT_EQ(message_of(request("POST", "/publish", "", "message=raw")), "message=raw");
}

TEST_F(Publish, AnyBytesArriveAsTheyWereSent) {
  start();
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  bytes += "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
  EXPECT_EQ(message_of(text(bytes)), bytes);
  Connection subscriber = hold();
  exchange(text(bytes));
  expect_message(subscriber.read_response(), bytes);
}

TEST_F(Publish, QueryOfAGet) {
  start();
  EXPECT_EQ(message_of(get_request("/publish?message=hello")), "hello");
  EXPECT_EQ(message_of(get_request("/publish?channel=all&message=a+b%20c%2B%3D&x=y")), "a b c+=");
  EXPECT_EQ(message_of(get_request("/publish?message=%D0%BC%D0%B8%D1%80")), "мир");
}

TEST_F(Publish, EmptyMessage) {
  start();
  EXPECT_EQ(message_of(form("message=")), "");
  EXPECT_EQ(message_of(get_request("/publish?message=")), "");
  EXPECT_EQ(message_of(request("POST", "/publish", kText + "Content-Length: 0\r\n")), "");
  Connection subscriber = hold();
  publish("");
  expect_message(subscriber.read_response(), "");
}

TEST_F(Publish, MissingMessageIs400) {
  start();
  expect_error(exchange(form("a=b")), 400);
  expect_error(get("/publish"), 400);
  expect_error(get("/publish?channel=all"), 400);
  // Neither Content-Length nor chunked: no body (RFC 9112 section 6.3), and so no message.
  expect_error(exchange(request("POST", "/publish")), 400);
  expect_error(exchange(request("POST", "/publish", kText)), 400);
  EXPECT_EQ(stat("published"), 0);
}

TEST_F(Publish, BadPercentEncodingIs400) {
  start();
  for (const char* bad : {"%", "%4", "%zz", "a%2", "%%20"}) {
    SCOPED_TRACE(bad);
    expect_error(exchange(form("message=" + std::string(bad))), 400);
    expect_error(get("/publish?message=" + std::string(bad)), 400);
  }
}

TEST_F(Publish, BadChannelIs400) {
  start();
  for (const std::string& name :
       {std::string(), std::string(65, 'a'), std::string("a%2Fb"), std::string("a%20b"), std::string("a+b"),
        std::string("%C3%A9"), std::string("a%00"), std::string("a*"), std::string("a%zz")}) {
    SCOPED_TRACE(name);
    expect_error(publish("m", name), 400);
    const Response response = get("/subscribe?channel=" + name);
    expect_error(response, 400);
    EXPECT_EQ(response.header("Cache-Control"), "no-store");
  }
}

TEST_F(Publish, OtherContentTypeIs415) {
  start();
  for (const char* type : {"application/json", "multipart/form-data; boundary=x", "text/html"}) {
    SCOPED_TRACE(type);
    expect_error(exchange(request("POST", "/publish", "Content-Type: " + std::string(type) + "\r\n", "{}")),
                 415);
  }
}

TEST_F(Publish, LargestMessage) {
  start();
  const std::string largest(65'536, 'x');
  EXPECT_EQ(message_of(text(largest)), largest);
  expect_error(exchange(text(largest + "x")), 413);
}

TEST_F(Publish, MaxMessageIsCountedInDecodedBytes) {
  start({"--max-message", "100"});
  std::string encoded = "message=";
  for (int i = 0; i < 100; ++i) encoded += "%41";
  EXPECT_EQ(message_of(text(std::string(100, 'A'))), std::string(100, 'A'));
  EXPECT_EQ(message_of(form(encoded)), std::string(100, 'A'));
  EXPECT_EQ(message_of(get_request("/publish?" + encoded)), std::string(100, 'A'));
  expect_error(exchange(text(std::string(101, 'A'))), 413);
  expect_error(exchange(form(encoded + "A")), 413);
  expect_error(get("/publish?" + encoded + "A"), 413);
}

TEST_F(Publish, IsInTheLogBeforeItIsAnswered) {
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
