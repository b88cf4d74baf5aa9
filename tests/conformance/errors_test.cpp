// Bad input: each kind gets its status and a one-line body; a framing error costs the connection,
// never the server.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

using namespace std::string_literals;

struct Case {
  std::string name;
  std::string bytes;
};

const std::string kGet = "GET /healthz HTTP/1.1\r\n";
const std::string kPost = "POST /publish HTTP/1.1\r\nHost: localhost\r\n";

class Errors : public ServerTest {
 protected:
  // Each case on a connection of its own, a good request behind the bad one: it must not be answered.
  void expect_each_closes(int status, const std::vector<Case>& cases) {
    for (const Case& bad : cases) {
      SCOPED_TRACE(bad.name);
      Connection connection = connect();
      connection.send(bad.bytes + get_request("/healthz"));
      expect_error_and_close(connection, status);
    }
    EXPECT_EQ(get("/healthz").status, 200);
    if (keeps("counters")) {
      EXPECT_EQ(stat("published"), 0);
    }
  }
};

CONTRACT_TEST(Errors, MalformedRequestLineIs400, "refusals, health", "| 400 | malformed") {
  start();
  const std::string rest = "\r\nHost: a\r\n\r\n";
  expect_each_closes(400, {{"garbage", "\x16\x03\x01\x02garbage\r\n\r\n"},
                           {"one word", "hello" + rest},
                           {"no version", "GET /healthz" + rest},
                           {"two spaces", "GET  /healthz HTTP/1.1" + rest},
                           {"leading space", " GET /healthz HTTP/1.1" + rest},
                           {"version without minor", "GET /healthz HTTP/1" + rest},
                           {"version not HTTP", "GET /healthz HTTX/1.1" + rest},
                           {"version in lower case", "GET /healthz http/1.1" + rest},
                           {"words after the version", "GET /healthz HTTP/1.1 x" + rest},
                           {"illegal method byte", "G\"ET /healthz HTTP/1.1" + rest},
                           {"NUL in the target", std::string("GET /health\0z HTTP/1.1", 22) + rest}});
}

CONTRACT_TEST(Errors, MalformedTargetIs400, "refusals", "| 400 | malformed") {
  start();
  for (const char* target : {"healthz", "/%", "/%zz", "/subscribe?since=%", "ftp://a/healthz", "/a\"b"}) {
    SCOPED_TRACE(target);
    expect_error(get(target), 400);
  }
}

CONTRACT_TEST(Errors, MalformedHeaderIs400, "refusals, health", "a folded line; illegal header bytes") {
  start();
  expect_each_closes(400, {{"no colon", kGet + "Host a\r\n\r\n"},
                           {"empty name", kGet + "Host: a\r\n: b\r\n\r\n"},
                           {"space before the colon", kGet + "Host : a\r\n\r\n"},
                           {"space before the name", kGet + " Host: a\r\n\r\n"},
                           {"folded line", kGet + "Host: a\r\nX: b\r\n c\r\n\r\n"},
                           {"illegal byte in a name", kGet + "Host: a\r\nX(y): b\r\n\r\n"},
                           {"NUL in a value", kGet + "Host: a\r\nX: b\0c\r\n\r\n"s},
                           {"control byte in a value", kGet + "Host: a\r\nX: b\x01"
                                                              "c\r\n\r\n"}});
}

CONTRACT_TEST(Errors, BareCarriageReturnIs400, "refusals, health", "bare CR or LF") {
  start();
  expect_each_closes(400, {{"in a value", kGet + "Host: a\rX: b\r\n\r\n"},
                           {"in the request line", "GET /healthz HTTP/1.1\rHost: a\r\n\r\n"},
                           {"before the line end", kGet + "Host: a\r\r\n\r\n"}});
}

CONTRACT_TEST(Errors, BareLineFeedIs400, "refusals, health", "bare CR or LF") {
  start();
  expect_each_closes(400, {{"request line", "GET /healthz HTTP/1.1\nHost: a\r\n\r\n"},
                           {"header", kGet + "Host: a\nX: b\r\n\r\n"},
                           {"end of the head", kGet + "Host: a\r\n\n"},
                           {"everywhere", "GET /healthz HTTP/1.1\nHost: a\n\n"}});
}

CONTRACT_TEST(Errors, NoHostOn11Is400, "refusals, health", "no Host in HTTP/1.1, or two") {
  start();
  expect_each_closes(400, {{"none", kGet + "\r\n"}, {"two", kGet + "Host: a\r\nHost: a\r\n\r\n"}});
}

CONTRACT_TEST(Errors, BadContentLengthIs400, "refusals, publish, health", "| 400 | malformed") {
  start();
  for (const char* value : {"abc", "-1", "+3", "3x", "0x3", "", "1 2", "99999999999999999999999999"}) {
    expect_each_closes(400, {{value, kPost + "Content-Length: " + value + "\r\n\r\nabc"}});
  }
}

CONTRACT_TEST(Errors, BothLengthsIs400, "refusals, publish, health", "both lengths") {
  start();
  const std::string body = "\r\n3\r\nabc\r\n0\r\n\r\n";
  expect_each_closes(
      400, {{"length first", kPost + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" + body},
            {"coding first", kPost + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n" + body}});
}

CONTRACT_TEST(Errors, TwoDifferentLengthsIs400, "refusals, publish, health", "two different lengths") {
  start();
  expect_each_closes(400, {{"two fields", kPost + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"},
                           {"one list", kPost + "Content-Length: 3, 4\r\n\r\nabcd"}});
}

CONTRACT_TEST(Errors, MalformedChunksAre400, "refusals, http, publish, health", "| 400 | malformed") {
  start();
  const std::string head = kPost + "Transfer-Encoding: chunked\r\n\r\n";
  expect_each_closes(400, {{"size not hexadecimal", head + "zz\r\nabc\r\n0\r\n\r\n"},
                           {"size empty", head + "\r\nabc\r\n0\r\n\r\n"},
                           {"size negative", head + "-3\r\nabc\r\n0\r\n\r\n"},
                           {"size over 64 bits", head + "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"},
                           {"chunk longer than its size", head + "3\r\nabcd\r\n0\r\n\r\n"},
                           {"bare line feed", head + "3\nabc\n0\n\n"}});
}

CONTRACT_TEST(Errors, UnknownPathIs404AndTheConnectionServesOn, "refusals, http", "no such page") {
  start();
  Connection connection = connect();
  for (const char* target : {"/", "/nowhere", "/subscribe/", "/subscribes", "/Subscribe", "/subscribe/x"}) {
    SCOPED_TRACE(target);
    connection.send(get_request(target));
    expect_error(connection.read_response(), 404);
  }
}

CONTRACT_TEST(Errors, BodyOfARefusedRequestIsNotTakenForTheNextOne,
              "refusals, http, publish, channels, health", "wherever the end of the request is unknown") {
  start();
  for (const char* target : {"/nowhere", "/healthz", "/publish?channel=%20"}) {
    SCOPED_TRACE(target);
    Connection connection = connect();
    connection.send(request("POST", target, "", "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n") +
                    request("GET", "/healthz", "Connection: close\r\n"));
    const Response refused = connection.read_response();
    EXPECT_GE(refused.status, 400);
    if (refused.header("Connection") != "close") {
      EXPECT_EQ(connection.read_response().body.substr(0, 2), "ok");
    }
    EXPECT_EQ(connection.read_until_closed(), "");
  }
}

CONTRACT_TEST(Errors, KnownMethodWhereItIsNotAllowedIs405WithAllow,
              "refusals, subscribe, publish, health, stats, counters",
              "a registered method that the page does not take; `Allow` says which it does") {
  start();
  for (const char* target : {"/subscribe", "/stats", "/metrics", "/healthz", "/publish"}) {
    for (const char* method : {"PUT", "DELETE", "OPTIONS", "PATCH", "POST"}) {
      if (std::string(target) == "/publish" && std::string(method) == "POST") continue;
      SCOPED_TRACE(std::string(method) + " " + target);
      const Response response = exchange(request(method, target));
      expect_error(response, 405);
      if (std::string(target) == "/subscribe") expect_not_stored(response);
      EXPECT_EQ(response.header("Allow"), std::string(target) == "/publish" ? "GET, POST" : "GET, HEAD");
    }
  }
}

CONTRACT_TEST(Errors, OfSubscribeAreNotStored, "refusals, channels, cursors, http",
              "`Cache-Control: no-store` is on all answers of `/subscribe`") {
  start();
  const std::string target = "/subscribe?since=0";
  const std::string get_line = "GET " + target + " HTTP/1.1\r\n";
  for (const auto& [name, bytes] :
       std::vector<Case>{{"400", get_line + "\r\n"},
                         {"400 of the channel", get_request("/subscribe?channel=%20")},
                         {"413", get_line + "Host: localhost\r\nContent-Length: 9223372036854775807\r\n\r\n"},
                         {"414", get_request(target + std::string(10'000, 'a'))},
                         {"417", get_line + "Host: a\r\nExpect: more\r\n\r\n"},
                         {"431", get_line + "Host: a\r\nX: " + std::string(17'000, 'a') + "\r\n\r\n"},
                         {"501", get_line + "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
                         {"505", "GET " + target + " HTTP/2.0\r\nHost: a\r\n\r\n"}}) {
    SCOPED_TRACE(name);
    const Response response = exchange(bytes);
    expect_error(response, std::stoi(name));
    expect_not_stored(response);
  }
}

CONTRACT_TEST(Errors, TooLargeBodyIs413, "refusals, http, publish, health",
              "the message is over `--max-message`") {
  start({"--max-message", "10"});
  expect_each_closes(
      413, {{"length", kPost + "Content-Length: 11\r\n\r\nhello world"},
            {"huge length", kPost + "Content-Length: 9223372036854775807\r\n\r\n"},
            {"chunks", kPost + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"},
            {"huge chunk", kPost + "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nabc"}});
}

CONTRACT_TEST(Errors, RequestLineOver8KiBIs414, "refusals, health", "the request line is over 8 KiB") {
  start();
  EXPECT_EQ(get("/healthz?x=" + std::string(8'000, 'a')).status, 200);
  expect_each_closes(414, {{"whole line", "GET /" + std::string(8'300, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"},
                           {"line without end", "GET /" + std::string(40'000, 'a')}});
}

CONTRACT_TEST(Errors, HeadOver16KiBIs431, "refusals, health", "the head is over 16 KiB") {
  start();
  const std::string one_line = "X: " + std::string(995, 'a') + "\r\n";  // 1,000 bytes
  std::string lines;
  for (int i = 0; i < 15; ++i) lines += one_line;
  EXPECT_EQ(exchange(request("GET", "/healthz", lines)).status, 200);
  for (int i = 0; i < 5; ++i) lines += one_line;
  expect_each_closes(431, {{"many lines", kGet + "Host: a\r\n" + lines + "\r\n"},
                           {"one line without end", kGet + "X: " + std::string(40'000, 'a')}});
}

CONTRACT_TEST(Errors, RefusedHeadHasNoBody, "refusals, http", "HEAD answers as GET without a body") {
  start();
  for (const std::string& bytes :
       {"HEAD /healthz HTTP/1.1\nHost: a\r\n\r\n"s, "HEAD /" + std::string(8'300, 'a')}) {
    Connection connection = connect();
    connection.send(bytes);
    const std::string answer = connection.read_until_closed();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 4") && answer.ends_with("\r\n\r\n")) << answer;
  }
}

CONTRACT_TEST(Errors, UnknownExpectationIs417, "refusals, http, publish",
              "an expectation other than 100-continue") {
  start();
  expect_error(exchange(kPost + "Expect: wonders\r\nContent-Length: 0\r\n\r\n"), 417);
}

CONTRACT_TEST(Errors, UnknownMethodIs501, "refusals",
              "an unknown method, or a transfer coding other than chunked") {
  start();
  for (const char* method : {"BREW", "get", "Get", "X"}) {
    SCOPED_TRACE(method);
    expect_error(exchange(request(method, "/healthz")), 501);
  }
}

CONTRACT_TEST(Errors, UnknownTransferCodingIs501, "refusals, publish, health",
              "an unknown method, or a transfer coding other than chunked") {
  start();
  expect_each_closes(
      501,
      {{"gzip, chunked", kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
       {"two fields", kPost + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}});
}

CONTRACT_TEST(Errors, OtherMajorVersionIs505, "refusals, health",
              "a version other than HTTP/1.1 and HTTP/1.0") {
  start();
  const std::string rest = "\r\nHost: a\r\n\r\n";
  expect_each_closes(505, {{"2.0", "GET /healthz HTTP/2.0" + rest},
                           {"0.9", "GET /healthz HTTP/0.9" + rest},
                           {"3.1", "GET /healthz HTTP/3.1" + rest}});
}

CONTRACT_TEST(Errors, OfOneClientDoNotTouchAHeldOne, "refusals, subscribe, publish",
              "Nothing that a client sends ends the process") {
  start();
  Connection subscriber = hold();
  for (int i = 0; i < 20; ++i) {
    Connection bad = connect();
    bad.send("garbage\r\n\r\n");
    expect_error_and_close(bad, 400);
  }
  publish("m");
  expect_message(subscriber.read_response(), "m");
}

CONTRACT_TEST(Errors, GarbageBehindAHeldRequestIsRefusedAfterItsAnswer, "refusals, http, subscribe, publish",
              "Bytes that come while a request is held wait their turn") {
  start();
  Connection subscriber = connect();
  hold_on(subscriber, get_request("/subscribe") + "garbage\r\n\r\n");
  publish("m");
  expect_message(subscriber.read_response(), "m");
  expect_error_and_close(subscriber, 400);
}

}  // namespace
}  // namespace comet::test
