// A request has --header-timeout from its first byte to its last: then 408 and a close.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

const std::string kPost = "POST /publish HTTP/1.1\r\nHost: localhost\r\n";

class SlowRequest : public ServerTest {};

TEST_F(SlowRequest, InItsHeaderIs408) {
  start({"--header-timeout", "1"});
  Connection connection = connect();
  connection.send("GET /healthz HTTP/1.1\r\nHost: ");
  expect_error_and_close(connection, 408);
}

TEST_F(SlowRequest, InItsBodyIs408) {
  start({"--header-timeout", "1"});
  Connection with_length = connect();
  with_length.send(kPost + "Content-Length: 10\r\n\r\nabc");
  Connection chunked = connect();
  chunked.send(kPost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  expect_error_and_close(with_length, 408);
  expect_error_and_close(chunked, 408);
  EXPECT_EQ(stat("published"), 0) << "half a message was published";
}

TEST_F(SlowRequest, ThatTricklesInIs408) {
  start({"--header-timeout", "0.5"});
  Connection connection = connect();
  connection.send("GET /healthz HTTP/1.1\r\nHost: ");
  const auto give_up = std::chrono::steady_clock::now() + patience();
  while (!connection.readable_within(std::chrono::milliseconds(50)) &&
         std::chrono::steady_clock::now() < give_up) {
    connection.send("a");
  }
  expect_error_and_close(connection, 408);
}

// Were its time begun anew, the request would end after 9 s.
TEST_F(SlowRequest, HasItsTimeNotRenewedBy100Continue) {
  start({"--header-timeout", "6"});
  Connection connection = connect();
  const auto begin = std::chrono::steady_clock::now();
  connection.send(kPost + "Content-Length: 5\r\n");
  EXPECT_FALSE(connection.readable_within(std::chrono::seconds(3)));
  connection.send("Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(connection.read_response().status, 100);
  expect_error_and_close(connection, 408);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(9))
      << "the request's time began anew";
}

TEST_F(SlowRequest, BehindAnotherIs408) {
  start({"--header-timeout", "1"});
  Connection connection = connect();
  connection.send(get_request("/healthz") + "GET /hea");
  EXPECT_EQ(connection.read_response().status, 200);
  expect_error_and_close(connection, 408);
}

}  // namespace
}  // namespace comet::test
