// What pages make a browser send: by which name it calls the server, and for which site it publishes.
#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class Browser : public ServerTest {
 protected:
  // `head`: header lines, the Host's among them.
  Response ask(const std::string& target, const std::string& head) {
    return exchange("GET " + target + " HTTP/1.1\r\n" + head + "Connection: close\r\n\r\n");
  }
  Response post(const std::string& head) {
    return exchange("POST /publish HTTP/1.1\r\n" + head + "Connection: close\r\nContent-Length: 1\r\n\r\nm");
  }
};

CONTRACT_TEST(
    Browser, PagesOfTheServersOwnOriginPublish,
    "publishers, publish, publish-get, health, stats, counters, subscribe, timeout, cursors, refusals",
    "its host and port must be those of `Host`, whatever the scheme") {
  start({"--allow-host", "comet.lan"});
  for (const std::string& host :
       {std::string("localhost"), "127.0.0.1:" + std::to_string(server().port()), std::string("[::1]:8000"),
        std::string("comet.lan"), std::string("comet.lan:8001")}) {
    for (const char* scheme : {"http://", "https://"}) {
      SCOPED_TRACE(scheme + host);
      const std::string head = "Host: " + host + "\r\nOrigin: " + scheme + host + "\r\n";
      EXPECT_EQ(post(head).status, 200);
      EXPECT_EQ(ask("/publish?message=m", head).status, 200);
    }
  }
}

CONTRACT_TEST(
    Browser, PagesOfOtherOriginsAre403,
    "publishers, publish, publish-get, health, stats, counters, subscribe, timeout, cursors, refusals",
    "its host and port must be those of `Host`, whatever the scheme; another one, or `null`, is 403") {
  start({"--allow-host", "comet.lan"});
  for (const char* origin : {"http://other.example", "http://comet.lan", "http://comet.lan:8000", "null",
                             "http://comet.lan.example:8001", "http://other.example:8001"}) {
    SCOPED_TRACE(origin);
    const std::string head = "Host: comet.lan:8001\r\nOrigin: " + std::string(origin) + "\r\n";
    expect_error(post(head), 403);
    expect_error(ask("/publish?message=m", head), 403);
  }
  EXPECT_EQ(stat("published"), 0);
}

CONTRACT_TEST(
    Browser, WhatItSaysOfThePageCountsBeforeTheOrigin,
    "publishers, publish, publish-get, health, stats, counters, subscribe, timeout, cursors, refusals",
    "`cross-site` is 403; `same-origin`, `none` and `same-site` are taken") {
  start();
  const std::string head = "Host: localhost:8001\r\n";
  for (const char* site : {"same-origin", "same-site"}) {
    SCOPED_TRACE(site);
    EXPECT_EQ(post(head + "Origin: http://localhost:3000\r\nSec-Fetch-Site: " + site + "\r\n").status, 200);
  }
  expect_error(post(head + "Origin: http://localhost:8001\r\nSec-Fetch-Site: cross-site\r\n"), 403);
}

CONTRACT_TEST(
    Browser, PagesOfOtherSitesMaySubscribeForTheyCannotReadTheAnswer,
    "publishers, publish, publish-get, health, stats, counters, subscribe, timeout, cursors, refusals",
    "Pages of other sites may send the other requests, but browsers do not let them read the answers") {
  start();
  for (const char* header :
       {"Origin: http://other.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"}) {
    SCOPED_TRACE(header);
    const Response response = ask("/subscribe?timeout=0", std::string("Host: localhost\r\n") + header);
    EXPECT_EQ(response.status, 204);
    EXPECT_FALSE(response.has("Access-Control-Allow-Origin"));
  }
}

// A site lets its name resolve to 127.0.0.1: to the browser the server's answers are then the site's own.
CONTRACT_TEST(
    Browser, OnLoopbackOtherNamesOfTheServerAre403,
    "publishers, publish, publish-get, health, stats, counters, subscribe, timeout, cursors, refusals",
    "On loopback (127.0.0.0/8, ::1) every request needs a `Host`") {
  start();
  for (const char* host : {"other.example", "other.example:8001", "localhost.example", "127.0.0.1.example",
                           "comet", "0.0.0.0:8001"}) {
    SCOPED_TRACE(host);
    const std::string head = "Host: " + std::string(host) + "\r\n";
    expect_error(post(head + "Origin: http://" + host + "\r\n"), 403);
    for (const char* target :
         {"/publish?message=m", "/subscribe?timeout=0", "/subscribe?since=0", "/stats", "/healthz"}) {
      const Response response = ask(target, head);
      expect_error(response, 403);
      EXPECT_NE(response.body.find("--allow-host"), std::string::npos)
          << "does not say what to do: " << response.body;
    }
  }
  EXPECT_EQ(stat("published"), 0);
}

CONTRACT_TEST(
    Browser, OnLoopbackLocalhostAddressesAndAllowedNamesAreTaken,
    "publishers, publish, publish-get, health, stats, counters, subscribe, timeout, cursors, refusals",
    "an IP address other than 0.0.0.0 and ::, or a name given by `--allow-host`") {
  start({"--allow-host", "comet.lan", "--allow-host", "Chat.example"});
  for (const char* host :
       {"localhost", "localhost:8001", "LOCALHOST", "a.localhost:8001", "127.0.0.1", "127.0.0.2:80", "[::1]",
        "[::1]:8001", "192.0.2.1", "comet.lan:8001", "COMET.LAN", "chat.example", ""}) {
    SCOPED_TRACE(host);
    EXPECT_EQ(ask("/healthz", "Host: " + std::string(host) + "\r\n").status, 200);
  }
  EXPECT_EQ(exchange("GET /healthz HTTP/1.0\r\n\r\n").status, 200);
  expect_error(ask("/healthz", "Host: x.comet.lan\r\n"), 403);
}

// Names are asked of only if some are allowed.
CONTRACT_TEST(
    Browser, OnOtherAddressesAnyNameIsTaken,
    "publishers, publish, publish-get, health, stats, counters, subscribe, timeout, cursors, refusals",
    "On other addresses any name will do, unless some are given by `--allow-host`") {
  CommandValues values;
  values.address = "0.0.0.0";
  const auto process = launch(values);
  process->wait_until_ready(patience());
  Connection connection(process->port());
  connection.send("GET /healthz HTTP/1.1\r\nHost: comet.example\r\n\r\n");
  EXPECT_EQ(connection.read_response().status, 200);
  connection.send(
      "POST /publish HTTP/1.1\r\nHost: comet.example\r\nOrigin: http://other.example\r\n"
      "Content-Length: 1\r\n\r\nm");
  expect_error(connection.read_response(), 403);
}

}  // namespace
}  // namespace comet::test
