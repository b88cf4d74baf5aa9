// HTTP/1.1 and 1.0 as any client may speak them: keep-alive, pipelining, HEAD, chunks, Expect, splits.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class Http : public ServerTest {
 protected:
  // What lies first in the log of `all`.
  std::string first_message() { return get("/subscribe?since=0&timeout=0").body; }

  static std::string chunked_publish(std::string_view chunks) {
    return "POST /publish HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
           std::string(chunks);
  }
};

TEST_F(Http, KeepsTheConnectionByDefault) {
  start();
  Connection connection = connect();
  for (int i = 0; i < 5; ++i) {
    connection.send(get_request("/healthz"));
    EXPECT_EQ(connection.read_response().status, 200);
  }
}

TEST_F(Http, ConnectionCloseIsAnsweredAndDone) {
  start();
  for (const char* target : {"/healthz", "/stats", "/subscribe?timeout=0", "/nowhere"}) {
    SCOPED_TRACE(target);
    Connection connection = connect();
    connection.send(request("GET", target, "Connection: close\r\n"));
    EXPECT_EQ(connection.read_response().header("Connection"), "close");
    EXPECT_EQ(connection.read_until_closed(), "");
  }
}

TEST_F(Http, ConnectionCloseOnAHeldRequest) {
  start();
  Connection subscriber = connect();
  subscriber.send(request("GET", "/subscribe", "Connection: close\r\n"));
  wait_for("held", 1);
  publish("m");
  const Response response = subscriber.read_response();
  expect_message(response, "m");
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_EQ(subscriber.read_until_closed(), "");
}

TEST_F(Http, Version10NeedsNoHostAndCloses) {
  start();
  Connection connection = connect();
  connection.send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(connection.read_until_closed(), "");
}

TEST_F(Http, Version10KeepsAliveWhenAsked) {
  start();
  Connection connection = connect();
  for (int i = 0; i < 3; ++i) {
    connection.send("GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    const Response response = connection.read_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("Connection"), "keep-alive");
  }
}

TEST_F(Http, Version10HeldRequest) {
  start();
  Connection closing = connect();
  closing.send("GET /subscribe HTTP/1.0\r\n\r\n");
  wait_for("held", 1);
  Connection keeping = connect();
  keeping.send("GET /subscribe HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  wait_for("held", 2);
  publish("m");
  expect_message(closing.read_response(), "m");
  EXPECT_EQ(closing.read_until_closed(), "");
  const Response kept = keeping.read_response();
  expect_message(kept, "m");
  EXPECT_EQ(kept.header("Connection"), "keep-alive");
  keeping.send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_EQ(keeping.read_response().status, 200);
}

TEST_F(Http, PipelinedRequestsAreAnsweredInOrder) {
  start();
  Connection connection = connect();
  connection.send(get_request("/healthz") + request("POST", "/publish", "", "piped") +
                  get_request("/nowhere") + get_request("/subscribe?since=0") + get_request("/healthz"));
  EXPECT_EQ(connection.read_response().body.substr(0, 2), "ok");
  EXPECT_EQ(connection.read_response().header("Comet-Receivers"), "0");
  EXPECT_EQ(connection.read_response().status, 404);
  expect_message(connection.read_response(), "piped");
  EXPECT_EQ(connection.read_response().status, 200);
}

TEST_F(Http, ManyPipelinedRequests) {
  start();
  Connection connection = connect();
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += get_request("/healthz");
  connection.send(requests);
  for (int i = 0; i < 500; ++i) ASSERT_EQ(connection.read_response().status, 200) << "of request " << i;
}

TEST_F(Http, RequestPipelinedBehindAHeldOneWaitsItsTurn) {
  start();
  Connection subscriber = connect();
  subscriber.send(get_request("/subscribe") + get_request("/healthz"));
  wait_for("held", 1);
  subscriber.send(get_request("/subscribe?since=0") + get_request("/nowhere"));
  publish("m");
  expect_message(subscriber.read_response(), "m");
  const Response behind = subscriber.read_response();
  EXPECT_EQ(behind.status, 200);
  EXPECT_EQ(behind.body.substr(0, 2), "ok");
  expect_message(subscriber.read_response(), "m");
  EXPECT_EQ(subscriber.read_response().status, 404);
}

TEST_F(Http, RequestPipelinedBehindAHeldOneFollowsATimeout) {
  start();
  Connection subscriber = connect();
  subscriber.send(get_request("/subscribe?timeout=0.2") + get_request("/healthz"));
  expect_nothing_new(subscriber.read_response());
  EXPECT_EQ(subscriber.read_response().status, 200);
}

TEST_F(Http, HalfARequestBehindAHeldOneIsCompletedLater) {
  start();
  const std::string next = get_request("/healthz");
  Connection subscriber = connect();
  subscriber.send(get_request("/subscribe") + next.substr(0, 10));
  wait_for("held", 1);
  publish("m");
  expect_message(subscriber.read_response(), "m");
  subscriber.send(next.substr(10));
  EXPECT_EQ(subscriber.read_response().status, 200);
}

TEST_F(Http, TwoHeldRequestsPipelined) {
  start();
  Connection subscriber = connect();
  subscriber.send(get_request("/subscribe") + get_request("/subscribe"));
  wait_for("held", 1);
  publish("first");
  expect_message(subscriber.read_response(), "first");
  wait_for("held", 1);
  publish("second");
  expect_message(subscriber.read_response(), "second");
}

TEST_F(Http, HeadAnswersAsGetWithoutABody) {
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

TEST_F(Http, HeadOfSubscribeNeverHolds) {
  start();
  const Response nothing = head("/subscribe");
  EXPECT_EQ(nothing.status, 204) << "HEAD does not answer at once";
  EXPECT_EQ(nothing.header("Cache-Control"), "no-store");
  cursor_of(nothing);
  publish("message");
  const Response retained = head("/subscribe?since=0");
  EXPECT_EQ(retained.status, 200);
  EXPECT_EQ(retained.header("Content-Length"), "7");
  EXPECT_EQ(stat("held"), 0);
}

TEST_F(Http, HeadOfPublishIs405AndPublishesNothing) {
  start();
  const Response response = head("/publish?message=m");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.header("Allow"), "GET, POST");
  EXPECT_EQ(stat("published"), 0);
}

TEST_F(Http, HeadIsFollowedByTheNextPipelinedAnswer) {
  start();
  publish("message");
  Connection connection = connect();
  connection.send(request("HEAD", "/subscribe?since=0") + request("HEAD", "/nowhere") +
                  get_request("/healthz"));
  EXPECT_EQ(connection.read_response(Expect::kHeadersOnly).status, 200);
  EXPECT_EQ(connection.read_response(Expect::kHeadersOnly).status, 404);
  EXPECT_EQ(connection.read_response().body.substr(0, 2), "ok");
}

TEST_F(Http, ChunkedBody) {
  start();
  EXPECT_EQ(exchange(chunked_publish("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n")).status, 200);
  EXPECT_EQ(first_message(), "hello world");
}

TEST_F(Http, ChunkExtensionsTrailersAndHexSizes) {
  start();
  const std::string sixteen(16, 'x');
  EXPECT_EQ(exchange(chunked_publish("0010;name=value;flag\r\n" + sixteen +
                                     "\r\nA;q=\"a b\"\r\n0123456789\r\n0\r\nTrailer: ignored\r\n\r\n"))
                .status,
            200);
  EXPECT_EQ(first_message(), sixteen + "0123456789");
}

TEST_F(Http, RequestAfterAChunkedBodyIsServed) {
  start();
  Connection connection = connect();
  connection.send(chunked_publish("1\r\na\r\n0\r\n\r\n") + get_request("/healthz"));
  EXPECT_EQ(connection.read_response().header("Comet-Receivers"), "0");
  EXPECT_EQ(connection.read_response().status, 200);
}

TEST_F(Http, Expect100ContinueIsAnsweredBeforeTheBody) {
  start();
  Connection connection = connect();
  connection.send(
      "POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(connection.read_response().status, 100);
  connection.send("hello");
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(first_message(), "hello");
}

TEST_F(Http, Expect100ContinueOfATooLargeBodyGetsItsErrorInstead) {
  start();
  Connection connection = connect();
  connection.send(
      "POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nExpect: "
      "100-continue\r\n\r\n");
  expect_error(connection.read_response(), 413);
}

TEST_F(Http, AbsoluteFormTarget) {
  start();
  Connection connection = connect();
  connection.send("GET http://localhost:8000/publish?message=m HTTP/1.1\r\nHost: localhost:8000\r\n\r\n");
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(first_message(), "m");
}

TEST_F(Http, HeaderNamesInAnyCaseAndPaddedValues) {
  start();
  Connection connection = connect();
  connection.send(
      "POST /publish HTTP/1.1\r\nhOST:localhost\r\ncontent-LENGTH: \t 2 \t\r\nconnection: CLOSE\r\n\r\nhi");
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(connection.read_until_closed(), "");
  EXPECT_EQ(first_message(), "hi");
}

TEST_F(Http, EmptyLinesBeforeARequestAreIgnored) {
  start();
  Connection connection = connect();
  connection.send("\r\n\r\n" + get_request("/healthz") + "\r\n" + get_request("/healthz"));
  EXPECT_EQ(connection.read_response().status, 200);
  EXPECT_EQ(connection.read_response().status, 200);
}

TEST_F(Http, BodyOfAGetIsNotTakenForTheNextRequest) {
  start();
  Connection connection = connect();
  connection.send(request("GET", "/healthz", "", "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n") +
                  get_request("/nowhere"));
  EXPECT_EQ(connection.read_response().body.substr(0, 2), "ok");
  EXPECT_EQ(connection.read_response().status, 404);
}

TEST_F(Http, RequestsSplitAtEveryByte) {
  start();
  Connection connection = connect();
  connection.send_byte_by_byte(request("POST", "/publish", "Content-Type: text/plain\r\n", "whole"));
  EXPECT_EQ(connection.read_response().status, 200);
  connection.send_byte_by_byte(chunked_publish("4;x=y\r\npart\r\n3\r\ned!\r\n0\r\nA: b\r\n\r\n"));
  const Response chunked = connection.read_response();
  EXPECT_EQ(chunked.status, 200);
  connection.send_byte_by_byte(get_request("/subscribe?since=0"));
  const Response whole = connection.read_response();
  expect_message(whole, "whole");
  connection.send_byte_by_byte(get_request("/subscribe?since=" + cursor_of(whole)));
  expect_message(connection.read_response(), "parted!");
}

}  // namespace
}  // namespace comet::test
