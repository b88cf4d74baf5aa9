// The endpoints: what each method, target and parameter asks for.
#include <gtest/gtest.h>

#include "core/routes.hpp"
#include "tests/unit/core_requests.hpp"

namespace comet::core {
namespace {

using namespace std::string_literals;

const std::string kForm = "Content-Type: application/x-www-form-urlencoded\r\n";
const std::string kText = "Content-Type: text/plain\r\n";

std::string routed(const std::string& bytes, const Options& options = {}) {
  return described(decide(bytes, options));
}
std::string routed_get(std::string_view target) { return routed(get(target)); }

TEST(SubscribeRoute, DefaultsToAllFromNowForTheWholeHold) {
  EXPECT_EQ(routed_get("/subscribe"), "subscribe all since now for 30000 ms");
  EXPECT_EQ(routed_get("/subscribe?"), "subscribe all since now for 30000 ms");
  EXPECT_EQ(routed_get("/subscribe?other=1&&=&x"), "subscribe all since now for 30000 ms");
}

TEST(SubscribeRoute, ChannelIs1To64OfTheAllowedBytes) {
  const std::string longest(64, 'x');
  for (const std::string& name : {"a"s, "A-z_0.9"s, ".."s, "-"s, longest}) {
    EXPECT_EQ(routed_get("/subscribe?channel=" + name), "subscribe " + name + " since now for 30000 ms");
  }
  EXPECT_EQ(routed_get("/subscribe?channel=%61b"), "subscribe ab since now for 30000 ms")
      << "percent-encoded";
  EXPECT_EQ(routed_get("/subscribe?%63hannel=a"), "subscribe a since now for 30000 ms")
      << "percent-encoded key";
  for (const std::string& name : {""s, longest + "x", "a+b"s, "a%20b"s, "a/b"s, "a%2Fb"s, "%00"s, "a%00"s,
                                  "%C3%A9"s, "a*"s, "a:b"s, "a,b"s, std::string(7000, 'x')}) {
    EXPECT_EQ(routed_get("/subscribe?channel=" + name), "reply 400") << name;
    EXPECT_EQ(routed_get("/publish?message=x&channel=" + name), "reply 400") << name;
  }
  EXPECT_EQ(routed_get("/subscribe?channel"), "reply 400");
}

TEST(SubscribeRoute, SinceIsACursor) {
  EXPECT_EQ(routed_get("/subscribe?since=0"), "subscribe all since 0-0 for 30000 ms");
  EXPECT_EQ(routed_get("/subscribe?since=1753000000000-12"),
            "subscribe all since 1753000000000-12 for 30000 ms");
  EXPECT_EQ(routed_get("/subscribe?since=1%2D2"), "subscribe all since 1-2 for 30000 ms");
  for (const char* since :
       {"", "1", "x", "-1-2", "1-", "1--2", "+1-2", "1-2%00", "1-2%20", "18446744073709551616-0"}) {
    EXPECT_EQ(routed_get("/subscribe?since="s + since), "reply 400") << since;
  }
}

TEST(SubscribeRoute, TimeoutIsDecimalSecondsCutToTheHoldTimeout) {
  const std::pair<std::string, int> cases[] = {{"0", 0},
                                               {"0.0", 0},
                                               {"1", 1000},
                                               {"2.5", 2500},
                                               {".5", 500},
                                               {"5.", 5000},
                                               {"007", 7000},
                                               {"0.01", 100},
                                               {"0.11", 200},
                                               {"29.95", 30000},
                                               {"30", 30000},
                                               {"31", 30000},
                                               {"1000000000", 30000},
                                               {std::string(300, '9'), 30000},
                                               {"0." + std::string(200, '0') + "1", 100}};
  for (const auto& [seconds, milliseconds] : cases) {
    EXPECT_EQ(routed_get("/subscribe?timeout=" + seconds),
              "subscribe all since now for " + std::to_string(milliseconds) + " ms")
        << seconds;
  }
}

TEST(SubscribeRoute, EveryTenthOfASecondIsKeptAsItIs) {
  for (int tenth = 0; tenth <= 300; ++tenth) {
    const std::string seconds = std::to_string(tenth / 10) + '.' + std::to_string(tenth % 10);
    EXPECT_EQ(routed_get("/subscribe?timeout=" + seconds),
              "subscribe all since now for " + std::to_string(tenth * 100) + " ms");
  }
}

TEST(SubscribeRoute, TimeoutThatIsNoDecimalNumberIs400) {
  for (const char* seconds : {"", "-1", "-0", "+1", "%2B1", "1e9", "1E1", "nan", "inf", "infinity", "0x10",
                              "1,5", "1s", "1%20", "%201", "1%00", ".", "1.2.3", "ten"}) {
    EXPECT_EQ(routed_get("/subscribe?timeout="s + seconds), "reply 400") << seconds;
  }
}

TEST(SubscribeRoute, FirstOfDoubledParametersCounts) {
  EXPECT_EQ(routed_get("/subscribe?channel=a&channel=b&since=1-1&since=x&timeout=1&timeout=2"),
            "subscribe a since 1-1 for 1000 ms");
}

TEST(SubscribeRoute, HeadNeverHolds) {
  const Decision decision = decide(get("/subscribe?timeout=5", "HEAD"));
  EXPECT_EQ(described(decision), "subscribe all since now for 0 ms");
  EXPECT_TRUE(std::get<Subscribe>(decision).form.head_only);
}

TEST(PublishRoute, MessageOfAForm) {
  const auto form = [](std::string_view body) { return routed(post("/publish?channel=c", kForm, body)); };
  EXPECT_EQ(form("message=hello"), "publish c hello");
  EXPECT_EQ(form("a=b&message=x%26y%3Dz+%2B&c"), "publish c x&y=z +");
  EXPECT_EQ(form("message="), "publish c ");
  EXPECT_EQ(form("message"), "publish c ");
  EXPECT_EQ(form("message=%00"), "publish c \0"s);
  EXPECT_EQ(form("message=1&message=2"), "publish c 1");
}

TEST(PublishRoute, FormTakesBytesThatCurlDoesNotEncode) {
  const auto form = [](std::string_view body) { return routed(post("/publish", kForm, body)); };
  EXPECT_EQ(form("message=hello world"), "publish all hello world");
  EXPECT_EQ(form("message=h\xc3\xa9 \"[]{}|\\^`<>#\r\n\t"), "publish all h\xc3\xa9 \"[]{}|\\^`<>#\r\n\t");
  EXPECT_EQ(form("message=a\0b"s), "publish all a\0b"s);
  EXPECT_EQ(form("message=a=b?c/d:e@f;g,h'(i)*!$~"), "publish all a=b?c/d:e@f;g,h'(i)*!$~");
}

TEST(PublishRoute, FormWithoutAReadableMessageIs400) {
  for (const char* body :
       {"", "x", "Message=x", "channel=a", "message=%", "message=%4", "message=%zz", "a=%&message=x"}) {
    EXPECT_EQ(routed(post("/publish", kForm, body)), "reply 400") << body;
  }
}

TEST(PublishRoute, RawBodyIsTheMessageToTheByte) {
  const std::string bytes = "message=a+b%20\0\r\n\xff"s;
  for (const char* type : {"Content-Type: text/plain\r\n", "content-type: TEXT/Plain;charset=utf-8\r\n",
                           "Content-Type: text/plain ; charset=utf-8\r\n", ""}) {
    EXPECT_EQ(routed(post("/publish", type, bytes)), "publish all " + bytes) << type;
  }
  EXPECT_EQ(routed(post("/publish?channel=c", kText, "")), "publish c ");
}

TEST(PublishRoute, OtherTypesAre415) {
  for (const char* type :
       {"application/json", "multipart/form-data; boundary=x", "text/html", "text/plainer", "text", ""}) {
    EXPECT_EQ(routed(post("/publish", "Content-Type: "s + type + "\r\n", "x")), "reply 415") << type;
  }
}

TEST(PublishRoute, CharsetsOtherThanUtf8Are415) {
  for (const std::string& type : {"text/plain"s, "application/x-www-form-urlencoded"s}) {
    for (const char* parameters : {"charset=utf-8", "charset=UTF-8", "Charset=\"utf-8\"", "charset=us-ascii",
                                   "charset=\"US-ASCII\"", " charset = utf-8 ", "format=flowed;charset=utf-8",
                                   ";charset=utf-8;", "charsets=x", "x=charset", ""}) {
      EXPECT_EQ(routed(post("/publish", "Content-Type: " + type + ";" + parameters + "\r\n", "message=m"))
                    .substr(0, 7),
                "publish")
          << type << ";" << parameters;
    }
    for (const char* parameters :
         {"charset=iso-8859-1", "charset=utf-16", "charset=\"windows-1252\"", "CHARSET=latin1",
          "charset=", "charset", "charset=utf8", "charset=\"", "charset=utf-8;charset=utf-16",
          "format=flowed; ; charset=iso-8859-1", "a b;charset=iso-8859-1"}) {
      EXPECT_EQ(routed(post("/publish", "Content-Type: " + type + ";" + parameters + "\r\n", "message=m")),
                "reply 415")
          << type << ";" << parameters;
    }
  }
}

TEST(PublishRoute, EncodedBodiesAre415AndToldWhatIsTaken) {
  for (const char* coding :
       {"gzip", "br", "x-unknown", "identity, gzip", "gzip\r\nContent-Encoding: identity"}) {
    const Decision decision = decide(post("/publish", "Content-Encoding: "s + coding + "\r\n", "m"));
    EXPECT_EQ(described(decision), "reply 415") << coding;
    EXPECT_NE(std::get<Reply>(decision).response.bytes->find("\r\nAccept-Encoding: identity\r\n"),
              std::string::npos);
  }
  for (const char* coding : {"identity", "Identity", ""}) {
    EXPECT_EQ(routed(post("/publish", "Content-Encoding: "s + coding + "\r\n", "m")), "publish all m")
        << coding;
  }
}

TEST(PublishRoute, GetTakesTheMessageFromTheQuery) {
  EXPECT_EQ(routed_get("/publish?message=a+b%21&channel=c"), "publish c a b!");
  EXPECT_EQ(routed_get("/publish?message="), "publish all ");
  EXPECT_EQ(routed_get("/publish?message=%00"), "publish all \0"s);
  EXPECT_EQ(routed_get("/publish"), "reply 400");
}

TEST(PublishRoute, MessageOverMaxMessageIs413AndKeepsTheConnection) {
  const Options options{.max_message = 3};
  EXPECT_EQ(routed(get("/publish?message=abcd"), options), "reply 413");
  EXPECT_EQ(routed(post("/publish", kForm, "message=abcd"), options), "reply 413");
  EXPECT_EQ(routed(get("/publish?message=abc"), options), "publish all abc");
  EXPECT_EQ(routed(post("/publish", kForm, "message=%61%62%63"), options), "publish all abc")
      << "the encoded form may be three times as long";
}

TEST(PublishRoute, OfAJoinedServerBringsItsCursor) {
  const Options joined{.joined = Cursor{}};
  const auto with = [](const std::string& headers) { return post("/publish", kText + headers, "m"); };
  EXPECT_EQ(routed(with(""), joined), "reply 421");
  EXPECT_EQ(routed(get("/publish?message=m"), joined), "reply 421");
  EXPECT_EQ(routed(with("Comet-Cursor:\r\n"), joined), "reply 421");
  for (const char* cursor : {"0", "0-0", "5", "x", "1-2-3", "1-2\r\nComet-Cursor: 1-2", "1-2\r\nComet-Cursor: 3"}) {
    EXPECT_EQ(routed(with("Comet-Cursor: "s + cursor + "\r\n"), joined), "reply 400") << cursor;
  }
  const Decision decision = decide(with("comet-CURSOR: 12-3\r\n"), joined);
  ASSERT_EQ(described(decision), "publish all m");
  EXPECT_EQ(std::get<Publish>(decision).cursor, (Cursor{12, 3}));
  EXPECT_TRUE(std::get<Subscribe>(decide(get("/subscribe"), joined)).joined);
}

TEST(PublishRoute, OfAServerOfItsOwnIgnoresACursor) {
  const Decision decision = decide(post("/publish", kText + "Comet-Cursor: x\r\n", "m"));
  ASSERT_EQ(described(decision), "publish all m");
  EXPECT_EQ(std::get<Publish>(decision).cursor, Cursor{});
  EXPECT_FALSE(std::get<Subscribe>(decide(get("/subscribe"))).joined);
}

TEST(Routes, PagesAnswer) {
  EXPECT_EQ(body_of(std::get<Reply>(decide(get("/healthz"))).response), "ok");
  const Decision stats = decide(get("/stats"));
  EXPECT_NE(std::get<Reply>(stats).response.bytes->find("Content-Type: application/json\r\n"),
            std::string::npos);
  EXPECT_NE(body_of(std::get<Reply>(stats).response).find("\"pattern\":\"test\""), std::string::npos);
  const Decision metrics = decide(get("/metrics?x=y"));
  EXPECT_NE(std::get<Reply>(metrics).response.bytes->find("Content-Type: text/plain; version=0.0.4"),
            std::string::npos);
  EXPECT_NE(body_of(std::get<Reply>(metrics).response).find("comet_held{pattern=\"test\"} 0\n"),
            std::string::npos);
}

TEST(Routes, HeadOfAPageHasItsLengthAndNoBody) {
  const Decision decision = decide(get("/healthz", "HEAD"));
  const Response& response = std::get<Reply>(decision).response;
  EXPECT_NE(response.bytes->find("Content-Length: 2\r\n"), std::string::npos);
  EXPECT_EQ(body_of(response), "");
}

TEST(Routes, OtherPathsAre404) {
  for (const char* path :
       {"/", "/x", "/Subscribe", "/subscribe/", "//subscribe", "/subscribe%00", "/%2Fsubscribe",
        "/subscribe;x", "http://a", "http://a/", "http://a:99999999999/"}) {
    EXPECT_EQ(routed_get(path), "reply 404") << path;
  }
}

TEST(Routes, AbsoluteAndEncodedTargetsAreTheSamePages) {
  for (const char* target :
       {"http://a/healthz", "HTTPS://a:80/healthz?x", "http://[::1]/healthz", "/%68ealthz"}) {
    EXPECT_EQ(routed_get(target), "reply 200") << target;
  }
}

TEST(Routes, MalformedTargetsAre400) {
  for (const char* target : {"healthz", "*", "?", "/%", "/%4", "/%zz", "/?%", "/subscribe?x=%g0", "/a#b",
                             "/a\"b", "/a\xc3\xa9", "/<x>", "ftp://a/healthz", "http://a/publish?#message=1",
                             "http://[::1/healthz", "http://a b/", "a:80"}) {
    EXPECT_EQ(described(decide(get(target))).substr(0, 9), "reply 400") << target;
  }
}

TEST(Routes, MethodsNotTakenAre405WithAllow) {
  for (const char* path : {"/subscribe", "/publish", "/stats", "/metrics", "/healthz"}) {
    const bool publishes = path == "/publish"s;
    for (const char* method : {"PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", publishes ? "HEAD" : "POST"}) {
      const Decision decision = decide(get(path, method));
      EXPECT_EQ(described(decision), "reply 405") << method << ' ' << path;
      EXPECT_NE(std::get<Reply>(decision).response.bytes->find(publishes ? "\r\nAllow: GET, POST\r\n"
                                                                         : "\r\nAllow: GET, HEAD\r\n"),
                std::string::npos);
    }
  }
}

TEST(Routes, ConnectionStaysOrClosesAsTheVersionAndTheClientSay) {
  const auto form = [](const std::string& version, const std::string& headers) {
    const Decision decision = decide("GET /subscribe HTTP/" + version + "\r\nHost: a\r\n" + headers + "\r\n");
    const ReplyForm asked = std::get<Subscribe>(decision).form;
    return asked.keep_alive ? "stays" : "closes";
  };
  EXPECT_EQ(form("1.1", ""), "stays");
  EXPECT_EQ(form("1.1", "Connection: Close\r\n"), "closes");
  EXPECT_EQ(form("1.1", "Connection: x\r\nConnection: y, close\r\n"), "closes");
  EXPECT_EQ(form("1.0", ""), "closes");
  EXPECT_EQ(form("1.0", "Connection: Keep-Alive\r\n"), "stays");
  EXPECT_EQ(form("1.0", "Connection: keep-alive, close\r\n"), "closes");
  EXPECT_EQ(routed("GET /healthz HTTP/1.0\r\n\r\n"), "reply 200 close") << "no Host needed";
}

TEST(PublishRoute, PostWithoutABodyHasNoMessage) {
  EXPECT_EQ(routed("POST /publish HTTP/1.1\r\nHost: a\r\n\r\n"), "reply 400");
  EXPECT_EQ(routed("POST /publish HTTP/1.0\r\n" + kText + "\r\n"), "reply 400 close");
  EXPECT_EQ(routed(post("/publish", kText, "")), "publish all ");
  EXPECT_EQ(routed("POST /publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "publish all ");
}

}  // namespace
}  // namespace comet::core
