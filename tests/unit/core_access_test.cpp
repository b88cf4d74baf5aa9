// Who may ask: which Host, which page, which token.
#include <gtest/gtest.h>

#include "tests/unit/core_requests.hpp"

namespace comet::core {
namespace {

using namespace std::string_literals;

constexpr const char* kRefused = "reply 403 close";

std::string decided(const std::string& bytes, const Options& options) {
  const Service service{options, [] { return Stats{}; }};
  return described(RequestReader(service).feed(bytes));
}

std::string ask(const std::string& target, const std::string& headers, const Options& options = {}) {
  return decided("GET " + target + " HTTP/1.1\r\n" + headers + "\r\n", options);
}

std::string ask_host(const std::string& host, const Options& options = {}) {
  return ask("/healthz", "Host: " + host + "\r\n", options);
}

TEST(Host, OnLoopbackIsLocalhostOrAnAddress) {
  for (const char* host :
       {"localhost", "localhost:8000", "LocalHost:80", "a.localhost", "127.0.0.1", "127.0.0.1:8000",
        "127.9.9.9", "[::1]", "[::1]:8000", "192.0.2.1:8000", "[2001:db8::1]", ""}) {
    EXPECT_EQ(ask_host(host), "reply 200") << host;
  }
  for (const char* host : {"comet.lan", "comet.lan:8000", "other.example", "localhost.example",
                           "localhost.example:8000", "xlocalhost", ".localhost", "127.0.0.1.example", "127.1",
                           "0x7f.0.0.1", "1.2.3.4.5", "a", ":8000", "::1", "0.0.0.0:8000", "[::]:8000"}) {
    EXPECT_EQ(ask_host(host), kRefused) << host;
  }
}

TEST(Host, IsAskedForEveryPage) {
  for (const char* page :
       {"/subscribe", "/publish?message=m", "/stats", "/metrics", "/healthz", "/nowhere"}) {
    EXPECT_EQ(ask(page, "Host: other.example\r\n"), kRefused) << page;
  }
  EXPECT_EQ(decided("GET /healthz HTTP/1.0\r\n\r\n", {}), "reply 200 close") << "HTTP/1.0 may name none";
}

TEST(Host, MayBeOneThatAnOptionAllows) {
  const Options options{.allowed_hosts = {"comet.lan", "Chat.example"}};
  for (const char* host : {"comet.lan", "COMET.lan:8000", "chat.example", "localhost", "127.0.0.1:1"}) {
    EXPECT_EQ(ask_host(host, options), "reply 200") << host;
  }
  for (const char* host : {"lan", "x.comet.lan", "comet.lan.example", "comet"}) {
    EXPECT_EQ(ask_host(host, options), kRefused) << host;
  }
}

TEST(Host, OnOtherAddressesIsAnyoneUnlessAnOptionNamesSome) {
  EXPECT_EQ(ask_host("comet.lan", {.on_loopback = false}), "reply 200");
  const Options options{.on_loopback = false, .allowed_hosts = {"comet.lan"}};
  EXPECT_EQ(ask_host("comet.lan", options), "reply 200");
  EXPECT_EQ(ask_host("192.0.2.1", options), "reply 200");
  EXPECT_EQ(ask_host("other.example", options), kRefused);
}

TEST(Host, InTheTargetCountsBeforeTheHeader) {
  EXPECT_EQ(ask("http://localhost:8000/healthz", "Host: other.example\r\n"), "reply 200");
  EXPECT_EQ(ask("http://other.example/healthz", "Host: localhost\r\n"), kRefused);
}

struct PageCase {
  const char* headers;
  bool may_publish;
};

// Asked of comet.lan:8001.
const std::vector<PageCase> kPages{
    {"", true},  // no browser
    {"Sec-Fetch-Site: same-origin\r\n", true},
    {"Sec-Fetch-Site: same-site\r\n", true},
    {"Sec-Fetch-Site: none\r\n", true},
    {"Sec-Fetch-Site: cross-site\r\n", false},
    {"sec-fetch-site: cross-site\r\nOrigin: http://comet.lan:8001\r\n", false},
    {"Sec-Fetch-Site: same-origin\r\nOrigin: http://other.example\r\n", true},
    {"Sec-Fetch-Site: same-site\r\nOrigin: http://comet.lan:3000\r\n", true},
    {"Sec-Fetch-Site: same-site\r\nSec-Fetch-Site: cross-site\r\n", false},
    {"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Site: none\r\n", false},
    {"Sec-Fetch-Site: of-tomorrow\r\n", true},
    {"Sec-Fetch-Site: of-tomorrow\r\nOrigin: http://other.example\r\n", false},
    {"Sec-Fetch-Site:\r\n", true},
    {"Origin: http://comet.lan:8001\r\n", true},
    {"Origin: https://comet.lan:8001\r\n", true},
    {"origin: HTTP://Comet.LAN:8001\r\n", true},
    {"Origin:\r\n", true},
    {"Origin: null\r\n", false},
    {"Origin: comet.lan:8001\r\n", false},
    {"Origin: http://comet.lan\r\n", false},
    {"Origin: http://comet.lan:3000\r\n", false},
    {"Origin: http://comet.lan:80011\r\n", false},
    {"Origin: http://comet.lan:8001/\r\n", false},
    {"Origin: http://other.example\r\n", false},
    {"Origin: http://other.example:8001\r\n", false},
    {"Origin: http://xcomet.lan:8001\r\n", false},
    {"Origin: http://comet.lan:8001\r\nOrigin: http://comet.lan:8001\r\n", false},
};

TEST(Page, OfAnotherSiteMayNotPublish) {
  const Options options{.on_loopback = false};
  const std::string host = "Host: comet.lan:8001\r\n";
  for (const auto& [headers, may_publish] : kPages) {
    const std::string expected = may_publish ? "publish all m" : kRefused;
    const std::string post = "POST /publish HTTP/1.1\r\n" + host + headers + "Content-Length: 1\r\n\r\nm";
    EXPECT_EQ(decided(post, options), expected) << headers;
    EXPECT_EQ(ask("/publish?message=m", host + headers, options), expected) << headers;
  }
}

TEST(Page, OfAnAddressMayPublishToIt) {
  for (const char* host : {"localhost:8001", "127.0.0.1:8001", "[::1]:8001", "localhost"}) {
    const std::string headers = "Host: "s + host + "\r\nOrigin: http://" + host + "\r\n";
    EXPECT_EQ(ask("/publish?message=m", headers), "publish all m") << host;
  }
}

TEST(Page, OfAnotherSiteMayDoWhatTellsItNothing) {
  for (const char* header :
       {"Sec-Fetch-Site: cross-site\r\n", "Origin: null\r\n", "Origin: http://other.example\r\n"}) {
    EXPECT_EQ(ask("/healthz", "Host: localhost\r\n"s + header), "reply 200") << header;
    EXPECT_EQ(ask("/subscribe", "Host: localhost\r\n"s + header).substr(0, 9), "subscribe") << header;
  }
}

const Options kWithToken{.on_loopback = false, .max_message = 10, .publish_token = "abc"};
const std::string kAuthorized = "Authorization: Bearer abc\r\n";
constexpr const char* kUnauthorized = "reply 401 close";

TEST(PublishToken, IsAskedOfEveryPublish) {
  EXPECT_EQ(decided(post("/publish", "", "m"), kWithToken), kUnauthorized);
  EXPECT_EQ(decided(get("/publish?message=m"), kWithToken), kUnauthorized);
  EXPECT_EQ(decided(get("/%70ublish?message=m"), kWithToken), kUnauthorized);
  EXPECT_EQ(decided(get("http://a/publish?message=m"), kWithToken), kUnauthorized);
  EXPECT_EQ(decided(get("/publish", "HEAD"), kWithToken), kUnauthorized);
  EXPECT_EQ(decided(post("/publish", kAuthorized, "m"), kWithToken), "publish all m");
  EXPECT_EQ(decided(get("/healthz"), kWithToken), "reply 200");
  EXPECT_EQ(decided(post("/publish", kAuthorized, "m"), {.on_loopback = false}), "publish all m")
      << "none asked";
}

TEST(PublishToken, MustBeTheSame) {
  for (const char* value : {"", "Bearer", "Bearer ab", "Bearer abcd", "Bearer abd", "Bearer ABC", "Bearerabc",
                            "Basic abc", "abc", "Bearer  abc", "Bearer\tabc", "Bearer abc,"}) {
    EXPECT_EQ(decided(post("/publish", "Authorization: "s + value + "\r\n", "m"), kWithToken), kUnauthorized)
        << value;
  }
  EXPECT_EQ(decided(post("/publish", "Authorization: BEARER abc\r\n", "m"), kWithToken), "publish all m");
  EXPECT_EQ(decided(post("/publish", kAuthorized + kAuthorized, "m"), kWithToken), kUnauthorized);
}

TEST(PublishToken, IsAskedBeforeAnythingOfTheBody) {
  const std::string head = "POST /publish HTTP/1.1\r\nHost: a\r\n";
  for (const char* rest :
       {"Content-Length: 1\r\n\r\n", "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n",
        "Content-Length: 11\r\n\r\n", "Content-Length: 11\r\n\r\nhello world",
        "Transfer-Encoding: chunked\r\n\r\nffff\r\n", "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "Content-Type: image/png\r\nContent-Length: 1\r\n\r\nm"}) {
    EXPECT_EQ(decided(head + rest, kWithToken), kUnauthorized) << rest;
  }
  EXPECT_EQ(decided(head + kAuthorized + "Content-Length: 11\r\n\r\n", kWithToken), "reply 413 close");
  EXPECT_EQ(decided(head + kAuthorized + "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n", kWithToken),
            "reply 100");
}

TEST(PublishToken, DoesNotHelpAPageOfAnotherSite) {
  EXPECT_EQ(decided(post("/publish", kAuthorized + "Sec-Fetch-Site: cross-site\r\n", "m"), kWithToken),
            kRefused);
  EXPECT_EQ(decided(post("/publish", kAuthorized + "Origin: http://b\r\n", "m"), kWithToken), kRefused);
}

// Whether the body came with the head or not, and what comes behind it.
TEST(RefusedSender, LosesTheConnection) {
  const Service service{kWithToken, [] { return Stats{}; }};
  const std::string bytes = post("/publish", "", "m") + get("/healthz");
  RequestReader at_once(service);
  EXPECT_EQ(decisions_of(at_once, bytes), std::vector{"reply 401 close"s});
  RequestReader one_by_one(service);
  std::vector<std::string> seen;
  for (const char& byte : bytes) {
    for (auto& decision : decisions_of(one_by_one, {&byte, 1})) seen.push_back(decision);
  }
  EXPECT_EQ(seen, std::vector{"reply 401 close"s});
}

}  // namespace
}  // namespace comet::core
