// A request has --header-timeout from its first byte to its last: then 408 and a close.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

const std::string kPost = "POST /publish HTTP/1.1\r\nHost: localhost\r\n";

class SlowRequest : public ServerTest {};

CONTRACT_TEST(SlowRequest, InItsHeaderIs408, "slow", "from a request's first byte to its last") {
  start({"--header-timeout", "1"});
  Connection connection = connect();
  connection.send("GET /healthz HTTP/1.1\r\nHost: ");
  expect_error_and_close(connection, 408);
}

CONTRACT_TEST(SlowRequest, InItsBodyIs408, "slow, http, publish", "from a request's first byte to its last") {
  start({"--header-timeout", "1"});
  Connection with_length = connect();
  with_length.send(kPost + "Content-Length: 10\r\n\r\nabc");
  Connection chunked = connect();
  chunked.send(kPost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  expect_error_and_close(with_length, 408);
  expect_error_and_close(chunked, 408);
  if (keeps("counters")) {
    EXPECT_EQ(stat("published"), 0) << "half a message was published";
  }
}

CONTRACT_TEST(SlowRequest, ThatTricklesInIs408, "slow",
              "the request did not arrive within `--header-timeout`") {
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
CONTRACT_TEST(SlowRequest, HasItsTimeNotRenewedBy100Continue, "slow, publish, http",
              "a 100 Continue does not renew it") {
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

CONTRACT_TEST(SlowRequest, BehindAnotherIs408, "slow, http, health",
              "from a request's first byte to its last") {
  start({"--header-timeout", "1"});
  Connection connection = connect();
  connection.send(get_request("/healthz") + "GET /hea");
  EXPECT_EQ(connection.read_response().status, 200);
  expect_error_and_close(connection, 408);
}

}  // namespace
}  // namespace comet::test
