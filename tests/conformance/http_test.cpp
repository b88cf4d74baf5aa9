// HTTP/1.1 and 1.0 as any client may speak them: keep-alive, pipelining, HEAD, header fields.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class Http : public ServerTest {};

CONTRACT_TEST(Http, KeepsTheConnectionByDefault, "http, health", "Keep-alive and pipelining work") {
  start();
  Connection connection = connect();
  for (int i = 0; i < 5; ++i) {
    connection.send(get_request("/healthz"));
    EXPECT_EQ(connection.read_response().status, 200);
  }
}

CONTRACT_TEST(Http, ConnectionCloseIsAnsweredAndDone, "http, refusals, timeout, health, stats",
              "Where the page is silent, RFC 9110 and RFC 9112 decide") {
  start();
  for (const char* target : {"/healthz", "/stats", "/subscribe?timeout=0", "/nowhere"}) {
    SCOPED_TRACE(target);
    Connection connection = connect();
    connection.send(request("GET", target, "Connection: close\r\n"));
    EXPECT_EQ(connection.read_response().header("Connection"), "close");
    EXPECT_EQ(connection.read_until_closed(), "");
  }
}

CONTRACT_TEST(Http, ConnectionCloseOnAHeldRequest, "http, subscribe, publish",
              "Where the page is silent, RFC 9110 and RFC 9112 decide") {
  start();
  Connection subscriber = connect();
  hold_on(subscriber, request("GET", "/subscribe", "Connection: close\r\n"));
  publish("m");
  const Response response = subscriber.read_response();
  expect_message(response, "m");
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_EQ(subscriber.read_until_closed(), "");
}

CONTRACT_TEST(Http, Version10NeedsNoHostAndCloses, "http, health",
              "HTTP/1.0 closes unless it asks for `keep-alive`") {
  start();
  Connection connection = connect();
  connection.send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(connection.read_until_closed(), "");
}

CONTRACT_TEST(Http, Version10KeepsAliveWhenAsked, "http, health",
              "HTTP/1.0 closes unless it asks for `keep-alive`") {
  start();
  Connection connection = connect();
  for (int i = 0; i < 3; ++i) {
    connection.send("GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    const Response response = connection.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("Connection"), "keep-alive");
  }
}

CONTRACT_TEST(Http, Version10HeldRequest, "http, subscribe, publish, health",
              "HTTP/1.0 closes unless it asks for `keep-alive`") {
  start();
  Connection closing = connect();
  hold_on(closing, "GET /subscribe HTTP/1.0\r\n\r\n");
  Connection keeping = connect();
  hold_on(keeping, "GET /subscribe HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  publish("m");
  expect_message(closing.read_response(), "m");
  EXPECT_EQ(closing.read_until_closed(), "");
  const Response kept = keeping.read_response();
  expect_message(kept, "m");
  EXPECT_EQ(kept.header("Connection"), "keep-alive");
  keeping.send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(keeping.read_response().status, 200);
}

CONTRACT_TEST(Http, PipelinedRequestsAreAnsweredInOrder, "http, publish, cursors, health, refusals",
              "Keep-alive and pipelining work") {
  start();
  Connection connection = connect();
  connection.send(get_request("/healthz") + request("POST", "/publish", "", "piped") +
                  get_request("/nowhere") + get_request("/subscribe?since=0") + get_request("/healthz"));
  EXPECT_EQ(connection.read_response().body.substr(0, 2), "ok");
  expect_receivers(connection.read_response(), 0);
  EXPECT_EQ(connection.read_response().status, 404);
  expect_message(connection.read_response(), "piped");
  EXPECT_EQ(connection.read_response().status, 200);
}

CONTRACT_TEST(Http, ManyPipelinedRequests, "http, health", "Keep-alive and pipelining work") {
  start();
  Connection connection = connect();
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += get_request("/healthz");
  connection.send(requests);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(connection.read_response().status, 200) << "of request " << i;
}

CONTRACT_TEST(Http, RequestPipelinedBehindAHeldOneWaitsItsTurn,
              "http, subscribe, publish, cursors, health, refusals",
              "Bytes that come while a request is held wait their turn") {
  start();
  Connection subscriber = connect();
  hold_on(subscriber, get_request("/subscribe") + get_request("/healthz"));
  subscriber.send(get_request("/subscribe?since=0") + get_request("/nowhere"));
  publish("m");
  expect_message(subscriber.read_response(), "m");
  const Response behind = subscriber.read_response();
  EXPECT_EQ(behind.status, 200);
  EXPECT_EQ(behind.body.substr(0, 2), "ok");
  expect_message(subscriber.read_response(), "m");
  EXPECT_EQ(subscriber.read_response().status, 404);
}

CONTRACT_TEST(Http, RequestPipelinedBehindAHeldOneFollowsATimeout, "http, timeout, health",
              "Bytes that come while a request is held wait their turn") {
  start();
  Connection subscriber = connect();
  subscriber.send(get_request("/subscribe?timeout=0.2") + get_request("/healthz"));
  expect_nothing_new(subscriber.read_response());
  EXPECT_EQ(subscriber.read_response().status, 200);
}

CONTRACT_TEST(Http, HalfARequestBehindAHeldOneIsCompletedLater, "http, subscribe, publish, health",
              "Bytes that come while a request is held wait their turn") {
  start();
  const std::string next = get_request("/healthz");
  Connection subscriber = connect();
  hold_on(subscriber, get_request("/subscribe") + next.substr(0, 10));
  publish("m");
  expect_message(subscriber.read_response(), "m");
  subscriber.send(next.substr(10));
  EXPECT_EQ(subscriber.read_response().status, 200);
}

CONTRACT_TEST(Http, TwoHeldRequestsPipelined, "http, subscribe, publish, stats",
              "Bytes that come while a request is held wait their turn") {
  start();
  Connection subscriber = connect();
  hold_on(subscriber, get_request("/subscribe") + get_request("/subscribe"));
  publish("first");
  expect_message(subscriber.read_response(), "first");
  wait_for("held", 1);
  publish("second");
  expect_message(subscriber.read_response(), "second");
}

CONTRACT_TEST(Http, HeadAnswersAsGetWithoutABody, "http, refusals, health, stats, counters",
              "HEAD answers as GET without a body") {
  start();
  for (const char* target : {"/healthz", "/stats", "/metrics", "/nowhere"}) {
    SCOPED_TRACE(target);
    const Response with_body = get(target);
    const Response without = head(target);
    EXPECT_EQ(without.status, with_body.status);
    EXPECT_EQ(without.header("Content-Type"), with_body.header("Content-Type"));
    EXPECT_TRUE(without.has("Content-Length"));
  }
}

CONTRACT_TEST(Http, HeadOfSubscribeNeverHolds, "http, publish, cursors, stats",
              "HEAD answers as GET without a body and never holds") {
  start();
  const Response nothing = head("/subscribe");
  EXPECT_EQ(nothing.status, 204) << "HEAD does not answer at once";
  expect_not_stored(nothing);
  cursor_of(nothing);
  publish("message");
  const Response retained = head("/subscribe?since=0");
  EXPECT_EQ(retained.status, 200);
  EXPECT_EQ(retained.header("Content-Length"), "7");
  EXPECT_EQ(stat("held"), 0);
}

CONTRACT_TEST(Http, HeadOfPublishIs405AndPublishesNothing, "http, refusals, publish-get",
              "a registered method that the page does not take") {
  start();
  const Response response = head("/publish?message=m");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.header("Allow"), "GET, POST");
  if (keeps("counters")) {
    EXPECT_EQ(stat("published"), 0);
  }
}

CONTRACT_TEST(Http, HeadIsFollowedByTheNextPipelinedAnswer, "http, publish, cursors, health, refusals",
              "HEAD answers as GET without a body") {
  start();
  publish("message");
  Connection connection = connect();
  connection.send(request("HEAD", "/subscribe?since=0") + request("HEAD", "/nowhere") +
                  get_request("/healthz"));
  EXPECT_EQ(connection.read_response(Expect::kHeadersOnly).status, 200);
  EXPECT_EQ(connection.read_response(Expect::kHeadersOnly).status, 404);
  EXPECT_EQ(connection.read_response().body.substr(0, 2), "ok");
}

CONTRACT_TEST(Http, AbsoluteFormTarget, "http, publish-get, subscribe",
              "Where the page is silent, RFC 9110 and RFC 9112 decide") {
  start();
  EXPECT_EQ(
      delivered_by("GET http://localhost:8000/publish?message=m HTTP/1.1\r\nHost: localhost:8000\r\n\r\n"),
      "m");
}

CONTRACT_TEST(Http, HeaderNamesInAnyCaseAndPaddedValues, "http, publish, subscribe",
              "Where the page is silent, RFC 9110 and RFC 9112 decide") {
  start();
  Connection subscriber = hold();
  Connection connection = connect();
  connection.send(
      "POST /publish HTTP/1.1\r\nhOST:localhost\r\ncontent-LENGTH: \t 2 \t\r\nconnection: CLOSE\r\n\r\nhi");
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(connection.read_until_closed(), "");
  expect_message(subscriber.read_response(), "hi");
}

CONTRACT_TEST(Http, EmptyLinesBeforeARequestAreIgnored, "http, health",
              "Where the page is silent, RFC 9110 and RFC 9112 decide") {
  start();
  Connection connection = connect();
  connection.send("\r\n\r\n" + get_request("/healthz") + "\r\n" + get_request("/healthz"));
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(connection.read_response().status, 200);
}

CONTRACT_TEST(Http, BodyOfAGetIsNotTakenForTheNextRequest, "http, health, refusals",
              "Where the page is silent, RFC 9110 and RFC 9112 decide") {
  start();
  Connection connection = connect();
  connection.send(request("GET", "/healthz", "", "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n") +
                  get_request("/nowhere"));
  EXPECT_EQ(connection.read_response().body.substr(0, 2), "ok");
  EXPECT_EQ(connection.read_response().status, 404);
}

}  // namespace
}  // namespace comet::test
