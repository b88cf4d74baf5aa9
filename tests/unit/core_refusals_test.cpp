// Requests that must not be taken: each gets its status, and those that leave the framing unknown end
// the connection.
#include <gtest/gtest.h>

#include "tests/unit/core_requests.hpp"

namespace comet::core {
namespace {

using namespace std::string_literals;

const std::string kPost = "POST /publish HTTP/1.1\r\nHost: a\r\n";
const std::string kChunked = kPost + "Transfer-Encoding: chunked\r\n\r\n";

// One decision, whole or byte by byte: that status, one line of text, and nothing behind it is read.
void expect_refused(int status, const std::string& bytes, const Options& options = {}) {
  const std::string behind = get("/publish?message=smuggled");
  const std::vector<std::string> expected{"reply " + std::to_string(status) + " close"};
  EXPECT_EQ(decisions_of(bytes + behind, options), expected) << testing::PrintToString(bytes);

  const Service service = test_service(options);
  RequestReader reader(service);
  std::vector<std::string> seen;
  for (const char byte : bytes + behind) {
    Decision decision = reader.feed({&byte, 1});
    if (std::holds_alternative<NeedsInput>(decision)) continue;
    seen.push_back(described(decision));
    if (const auto* reply = std::get_if<Reply>(&decision)) {
      const std::string body = body_of(reply->response);
      EXPECT_GT(body.size(), 1U);
      EXPECT_EQ(body.find('\n'), body.size() - 1) << body;
    }
  }
  EXPECT_EQ(seen, expected) << "byte by byte: " << testing::PrintToString(bytes);
}

// Refused by these bytes alone: nobody has to wait for a time-out.
void expect_refused_at_once(int status, const std::string& bytes) {
  EXPECT_EQ(decisions_of(bytes), std::vector{"reply " + std::to_string(status) + " close"})
      << testing::PrintToString(bytes);
}

TEST(Refusals, RequestLineThatIsNone) {
  for (const std::string& line : {"hello"s,
                                  "GET"s,
                                  "GET "s,
                                  "GET /"s,
                                  "GET / "s,
                                  "GET / H"s,
                                  "GET / HTTP/"s,
                                  "GET / HTTP/1"s,
                                  "GET / HTTP/1."s,
                                  "GET / HTTP/11"s,
                                  "GET / HTTP/1.10"s,
                                  "GET / HTTP/1.1 "s,
                                  "GET / HTTP/1.1 x"s,
                                  "GET / http/1.1"s,
                                  "GET / FTP/1.1"s,
                                  "GET /  HTTP/1.1"s,
                                  "GET  / HTTP/1.1"s,
                                  "GET / x HTTP/1.1"s,
                                  " GET / HTTP/1.1"s,
                                  "GET\t/ HTTP/1.1"s,
                                  "G\"T / HTTP/1.1"s,
                                  "G(T / HTTP/1.1"s,
                                  "\x80 / HTTP/1.1"s,
                                  "GET /\x01 HTTP/1.1"s,
                                  "GET /\x7f HTTP/1.1"s,
                                  "GET /a\0b HTTP/1.1"s,
                                  "GET\0 / HTTP/1.1"s}) {
    expect_refused_at_once(400, line + "\r\nHost: a\r\n\r\n");
    expect_refused_at_once(400, line + "\r\n\r\n");
    expect_refused(400, line + "\r\nHost: a\r\n\r\n");
  }
}

TEST(Refusals, OtherVersionsAre505) {
  for (const char* version : {"0.9", "1.2", "2.0", "3.0", "9.9"}) {
    expect_refused(505, "GET / HTTP/"s + version + "\r\nHost: a\r\n\r\n");
  }
}

TEST(Refusals, LinesThatDoNotEndInCrLf) {
  for (const std::string& head :
       {"GET / HTTP/1.1\nHost: a\n\n"s, "GET / HTTP/1.1\nHost: a\r\n\r\n"s,
        "GET / HTTP/1.1\r\nHost: a\n\r\n"s, "GET / HTTP/1.1\r\nHost: a\r\n\n"s,
        "GET / HTTP/1.1\rHost: a\r\n\r\n"s, "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"s,
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"s, "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"s,
        "\nGET / HTTP/1.1\r\n\r\n"s, "\r\rGET / HTTP/1.1\r\n\r\n"s, "\r\n\nGET / HTTP/1.1\r\n\r\n"s}) {
    expect_refused(400, head);
  }
}

TEST(Refusals, HeaderLinesThatAreNone) {
  for (const std::string& line :
       {"X"s, ": x"s, "X : x"s, " X: x"s, "\tX: x"s, "X: x\r\n y"s, "X: x\r\n\ty"s, "X:\r\n y"s, "X(: x"s,
        "X\x80: x"s, "X: \x01"s, "X: \x7f"s, "X: a\0b"s, "X\0: x"s, "\0: x"s, "X y: z"s}) {
    expect_refused(400, "GET / HTTP/1.1\r\nHost: a\r\n" + line + "\r\n\r\n");
  }
}

TEST(Refusals, HostMissingDoubledOrMalformed) {
  expect_refused(400, "GET /healthz HTTP/1.1\r\n\r\n");
  expect_refused(400, "GET http://a/healthz HTTP/1.1\r\n\r\n");
  for (const char* version : {"1.0", "1.1"}) {
    expect_refused(400, "GET / HTTP/"s + version + "\r\nHost: a\r\nHost: a\r\n\r\n");
    for (const char* host : {"a b", "a/b", "a?b", "a#b", "user@a", "<a>", "a\"", "\\a"}) {
      expect_refused(400, "GET / HTTP/"s + version + "\r\nHost: " + host + "\r\n\r\n");
    }
  }
}

TEST(Refusals, ContentLengthThatIsNoNumber) {
  for (const char* value : {"", "+3", "-3", "3x", "0x3", "3.0", "3 3", "3;3", ",", "3,", ",3", "3,,3",
                            "three", "\"3\"", "18446744073709551616", "99999999999999999999999999"}) {
    expect_refused(400, kPost + "Content-Length: " + value + "\r\n\r\nabc");
  }
}

TEST(Refusals, TwoDifferentLengths) {
  expect_refused(400, kPost + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd");
  expect_refused(400, kPost + "Content-Length: 3, 4\r\n\r\nabcd");
}

TEST(Refusals, LengthBesideATransferCoding) {
  expect_refused(400, kPost + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  expect_refused(400, kPost + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n");
  expect_refused(400, kPost + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n");
}

TEST(Refusals, TransferCodingsOtherThanChunkedAre501) {
  for (const char* value : {"gzip", "gzip, chunked", "chunked, gzip", "chunked, chunked", "identity",
                            "xchunked", "", "chunked;q=1", "\"chunked\""}) {
    expect_refused(501, kPost + "Transfer-Encoding: " + value + "\r\n\r\n0\r\n\r\n");
  }
  expect_refused(501, kPost + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  expect_refused(400, kPost + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

TEST(Refusals, TransferCodingInHttp10) {
  expect_refused(400, "POST /publish HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

TEST(Refusals, MalformedChunks) {
  for (const std::string& body : {"x\r\n"s,
                                  "\r\n"s,
                                  " 3\r\nabc\r\n"s,
                                  "-3\r\nabc\r\n"s,
                                  "+3\r\nabc\r\n"s,
                                  "3 \r\nabc\r\n"s,
                                  "3\nabc\r\n"s,
                                  "3\rabc\r\n"s,
                                  "0x3\r\nabc\r\n0\r\n\r\n"s,
                                  "3g\r\nabc\r\n"s,
                                  "3\r\nabcd\r\n"s,
                                  "3\r\nabc0\r\n\r\n"s,
                                  "3\r\nabc\n0\r\n\r\n"s,
                                  "3\r\nabc\r0\r\n\r\n"s,
                                  "10000000000000000\r\na"s,
                                  "fffffffffffffffff\r\na"s,
                                  "3;\r\nabc\r\n"s,
                                  "3;=\r\nabc\r\n"s,
                                  "3;a=\r\nabc\r\n"s,
                                  "3;a b\r\nabc\r\n"s,
                                  "3;a\"\r\nabc\r\n"s,
                                  "3;a=\"\n\"\r\nabc\r\n"s,
                                  "3;a=\"\0\"\r\nabc\r\n"s,
                                  "3;a=\"\\\n\"\r\nabc\r\n"s,
                                  "0;a=\"\n\"\r\n\r\n"s,
                                  "0 \r\n\r\n"s,
                                  "0;\r\n\r\n"s,
                                  "0\r\nX\r\n\r\n"s,
                                  "0\r\nX : y\r\n\r\n"s,
                                  "0\r\nX: a\nb\r\n\r\n"s,
                                  "0\r\nContent-Length: 3\r\n\r\n"s,
                                  "0\r\nTransfer-Encoding: chunked\r\n\r\n"s}) {
    expect_refused(400, kChunked + body);
  }
}

TEST(Refusals, BodyOverMaxMessageIs413) {
  const Options options{.max_message = 10};
  expect_refused(413, kPost + "Content-Length: 11\r\n\r\nabcdefghijk", options);
  expect_refused(413, kPost + "Content-Length: 18446744073709551615\r\n\r\nabc", options);
  expect_refused(413, kChunked + "b\r\nabcdefghijk\r\n0\r\n\r\n", options);
  expect_refused(413, kChunked + "5\r\nabcde\r\n6\r\nfghijk\r\n0\r\n\r\n", options);
  expect_refused_at_once(413, kChunked + "ffffffffffffffff\r\n");
  expect_refused_at_once(413, kChunked + "3\r\nabc\r\nffffffffffffffff\r\n");
  EXPECT_EQ(decisions_of(post("/publish", "", "abcdefghij"), options),
            std::vector{"publish all abcdefghij"s});
  EXPECT_EQ(decisions_of(kChunked + "a\r\nabcdefghij\r\n0\r\n\r\n", options),
            std::vector{"publish all abcdefghij"s});
}

TEST(Refusals, OtherExpectationsAre417) {
  for (const char* value : {"wonders", "", "100-continue, wonders", "100"}) {
    expect_refused(417, kPost + "Expect: " + value + "\r\nContent-Length: 0\r\n\r\n");
  }
}

TEST(Refusals, ConnectionHeaderThatIsNoList) {
  expect_refused(400, "GET / HTTP/1.1\r\nHost: a\r\nConnection: \"\r\n\r\n");
}

TEST(Refusals, UnknownMethodsAre501AndKeepTheConnection) {
  for (const char* method : {"BREW", "get", "Post", "X", "GETS"}) {
    EXPECT_EQ(decisions_of(get("/subscribe", method) + get("/healthz")),
              (std::vector{"reply 501"s, "reply 200"s}))
        << method;
  }
}

void expect_no_body(int status, const Response& response) {
  EXPECT_EQ(status_of(response), status);
  EXPECT_EQ(body_of(response), "") << status;
}

TEST(Refusals, RefusedHeadHasNoBody) {
  const std::string line = "HEAD /healthz HTTP/1.1\r\n";
  const std::vector<std::pair<int, std::string>> cases{{400, line + "\r\n"},
                                                       {400, line + "Host: a\n\r\n"},
                                                       {400, "\r\n" + line + "Host: a\n\r\n"},
                                                       {414, "HEAD /" + std::string(8300, 'a')},
                                                       {417, line + "Host: a\r\nExpect: x\r\n\r\n"},
                                                       {431, line + "X: " + std::string(17000, 'a')},
                                                       {505, "HEAD / HTTP/2.0\r\nHost: a\r\n\r\n"}};
  for (const auto& [status, bytes] : cases) {
    expect_no_body(status, std::get<Reply>(decide(bytes)).response);
    const Service service = test_service({});
    RequestReader reader(service);  // behind another request, so out of its buffer
    EXPECT_EQ(described(reader.feed(get("/healthz") + bytes)), "reply 200");
    expect_no_body(status, std::get<Reply>(reader.next()).response);
  }
}

TEST(Refusals, HeadThatIsLateOrFindsNoMemoryHasNoBody) {
  const Service service = test_service({});
  RequestReader late(service);
  late.feed("HEAD /healthz HT");
  expect_no_body(408, late.timeout_response());
  RequestReader first(service);
  expect_no_body(503, first.refuse_without_memory(get("/healthz", "HEAD")));
  RequestReader further(service);
  further.feed("HEAD /healthz HT");
  expect_no_body(503, further.refuse_without_memory("TP/1.1\r\n"));
}

TEST(Refusals, WithoutMemoryAreCountedAndSpreadOverTheHeld) {
  Counters counters;
  Service service = test_service({});
  service.counters = &counters;
  service.count_held = [] { return 3; };
  for (const std::string& seconds : {"1"s, "2"s, "3"s, "1"s}) {
    const Response response = RequestReader(service).refuse_without_memory("GET");
    EXPECT_NE(response.bytes->find("Retry-After: " + seconds + "\r\n"), std::string::npos) << *response.bytes;
  }
  EXPECT_EQ(counters.rejected, 4U);
}

TEST(Refusals, BodyThatBeginsAsAHeadRequestIsNone) {
  const Service service = test_service({});
  RequestReader reader(service);
  reader.feed(kPost + "Content-Length: 10\r\n\r\n");
  EXPECT_EQ(body_of(reader.refuse_without_memory("HEAD ")), "no memory for this request\n");
}

// What the strictness above must not take along.
TEST(Refusals, UnusualButCorrectRequestsAreTaken) {
  for (const std::string& headers :
       {"Host: \r\n"s, "Host:a\r\n"s, "Host: \t a \t \r\n"s, "host: [::1]:8000\r\n"s, "HOST: a%20b\r\n"s,
        "Host: a\r\nX:\r\n"s, "Host: a\r\nX: \t\r\n"s, "Host: a\r\nX: \x80\xff\r\n"s,
        "Host: a\r\n!#$%&'*+-.^_`|~0: x\r\n"s, "Host: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n"s,
        "Host: a\r\nContent-Length: 0, 0\r\n"s, "Host: a\r\nConnection: close, x\r\n"s,
        "Host: a\r\nExpect: 100-CONTINUE\r\n"s,
        "Host: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"s}) {
    EXPECT_EQ(decisions_of("GET /healthz HTTP/1.1\r\n" + headers + "\r\n").front().substr(0, 9), "reply 200")
        << headers;
  }
  for (const std::string& body :
       {"03\r\nabc\r\n000\r\n\r\n"s, "3 ;a\r\nabc\r\n0\r\n\r\n"s, "3;a = b\r\nabc\r\n0\r\n\r\n"s,
        "3;a=\"\\\"\t\x80\";b\r\nabc\r\n0;c\r\n\r\n"s}) {
    EXPECT_EQ(decisions_of(kChunked + body), std::vector{"publish all abc"s}) << body;
  }
}

}  // namespace
}  // namespace comet::core
