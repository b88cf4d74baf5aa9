// The body of a request as any client may send it: in chunks, after a 100 Continue, one byte at a time.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

std::string chunked_publish(std::string_view chunks) {
  return "POST /publish HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
         std::string(chunks);
}

class Bodies : public ServerTest {};

CONTRACT_TEST(Bodies, InChunks, "http, publish, subscribe",
              "Chunked bodies and `Expect: 100-continue` work") {
  start();
  EXPECT_EQ(delivered_by(chunked_publish("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n")), "hello world");
}

CONTRACT_TEST(Bodies, ChunkExtensionsTrailersAndHexSizes, "http, publish, subscribe",
              "Chunked bodies and `Expect: 100-continue` work") {
  start();
  const std::string sixteen(16, 'x');
  EXPECT_EQ(delivered_by(chunked_publish("0010;name=value;flag\r\n" + sixteen +
                                         "\r\nA;q=\"a b\"\r\n0123456789\r\n0\r\nTrailer: ignored\r\n\r\n")),
            sixteen + "0123456789");
}

CONTRACT_TEST(Bodies, RequestAfterAChunkedOneIsServed, "http, publish, health",
              "Chunked bodies and `Expect: 100-continue` work") {
  start();
  Connection connection = connect();
  connection.send(chunked_publish("1\r\na\r\n0\r\n\r\n") + get_request("/healthz"));
  expect_receivers(connection.read_response(), 0);
  EXPECT_EQ(connection.read_response().status, 200);
}

CONTRACT_TEST(Bodies, Expect100ContinueIsAnsweredBeforeTheBody, "http, publish, subscribe",
              "Chunked bodies and `Expect: 100-continue` work") {
  start();
  Connection subscriber = hold();
  Connection connection = connect();
  connection.send(
      "POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(connection.read_response().status, 100);
  connection.send("hello");
  EXPECT_EQ(connection.read_response().status, 200);
  expect_message(subscriber.read_response(), "hello");
}

CONTRACT_TEST(Bodies, Expect100ContinueOfATooLargeBodyGetsItsErrorInstead, "http, publish, refusals",
              "the message is over `--max-message`") {
  start();
  Connection connection = connect();
  connection.send(
      "POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nExpect: "
      "100-continue\r\n\r\n");
  expect_error(connection.read_response(), 413);
}

CONTRACT_TEST(Bodies, RequestsSplitAtEveryByte, "http, publish, cursors",
              "Where the page is silent, RFC 9110 and RFC 9112 decide") {
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
