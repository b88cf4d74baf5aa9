// Who may publish: whoever has the token, and no page of another site.
#include <signal.h>

#include <algorithm>

#include "tests/conformance/fixture.hpp"
#include "tests/conformance/token_file.hpp"

namespace comet::test {
namespace {

class Publishers : public ServerTest {
 protected:
  static void expect_asked_for_the_token(const Response& response) {
    expect_error(response, 401);
    EXPECT_EQ(response.header("WWW-Authenticate").substr(0, 6), "Bearer") << "no WWW-Authenticate";
  }
  Response publish_with(std::string_view fields) {
    return exchange(request("POST", "/publish", std::string(fields) + "Connection: close\r\n", "m"));
  }
};

CONTRACT_TEST(Publishers, WithTheTokenPublish, "publishers, publish, publish-get",
              "a publish needs `Authorization: Bearer TOKEN` (RFC 6750)") {
  for (const char* end : {"", "\n", "\r\n"}) {
    const TokenFile file(kToken + end);
    start({"--publish-token-file", file.path()});
    EXPECT_EQ(publish_with(kRightToken).status, 200);
    EXPECT_EQ(publish_with("authorization: bearer " + kToken + "\r\n").status, 200);
    EXPECT_EQ(exchange(request("GET", "/publish?message=m", kRightToken)).status, 200);
    if (keeps("counters")) {
      EXPECT_EQ(stat("published"), 3);
    }
    drain();
  }
}

CONTRACT_TEST(Publishers, WithoutTheTokenAre401, "publishers, publish, publish-get, http",
              "a publish without the token of `--publish-token-file`; with `WWW-Authenticate: Bearer`") {
  const TokenFile file(kToken + "\n");
  start({"--publish-token-file", file.path()});
  expect_asked_for_the_token(publish_with(""));
  for (const std::string& value :
       {std::string(), std::string("Bearer"), "Bearer " + kToken + "x", "Bearer " + kToken.substr(1),
        "Bearer x" + kToken.substr(1), "Basic " + kToken, kToken, "Bearer  " + kToken}) {
    SCOPED_TRACE(value);
    expect_asked_for_the_token(publish_with("Authorization: " + value + "\r\n"));
  }
  expect_asked_for_the_token(publish_with(kRightToken + kRightToken));
  expect_asked_for_the_token(get("/publish?message=m"));
  expect_asked_for_the_token(get("/publish"));
  EXPECT_EQ(head("/publish?message=m").status, 401);
  if (keeps("counters")) {
    EXPECT_EQ(stat("published"), 0);
  }
}

CONTRACT_TEST(Publishers, WithoutTheTokenAreRefusedBeforeTheirBody, "publishers, publish, http",
              "before it reads a request's body") {
  const TokenFile file(kToken);
  start({"--publish-token-file", file.path()});
  Connection sends_later = connect();
  sends_later.send(request("POST", "/publish", "Expect: 100-continue\r\nContent-Length: 5\r\n"));
  const Response response = sends_later.read_response();
  expect_asked_for_the_token(response);
  EXPECT_EQ(response.header("Connection"), "close") << "the end of the request is unknown";
  EXPECT_EQ(sends_later.read_until_closed(), "");
}

// How large a message may be is told to nobody else.
CONTRACT_TEST(Publishers, WithoutTheTokenAre401HoweverLargeTheirMessage, "publishers, publish",
              "else it is 401, however large its message is") {
  const TokenFile file(kToken);
  start({"--publish-token-file", file.path(), "--max-message", "10"});
  const std::string length = "Content-Length: 99999\r\n";
  expect_asked_for_the_token(exchange(request("POST", "/publish", length)));
  expect_asked_for_the_token(exchange(request("POST", "/publish", length + "Expect: 100-continue\r\n")));
  expect_error(exchange(request("POST", "/publish", length + kRightToken)), 413);
}

CONTRACT_TEST(Publishers, TokenIsAskedOfNobodyElse,
              "publishers, subscribe, publish, timeout, health, stats, counters",
              "a publish needs `Authorization: Bearer TOKEN` (RFC 6750)") {
  const TokenFile file(kToken);
  start({"--publish-token-file", file.path()});
  for (const char* page : {"/subscribe?timeout=0", "/stats", "/metrics", "/healthz"}) {
    SCOPED_TRACE(page);
    EXPECT_LT(get(page).status, 300);
  }
  Connection subscriber = hold();
  EXPECT_EQ(publish_with(kRightToken).status, 200);
  expect_message(subscriber.read_response(), "m");
}

CONTRACT_TEST(Publishers, PagesOfOtherSitesAre403, "publishers, publish, publish-get",
              "a publish that a page of another site makes a browser send") {
  start();
  expect_error(publish_with("Sec-Fetch-Site: cross-site\r\n"), 403);
  expect_error(publish_with("sec-fetch-site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"), 403);
  expect_error(exchange(request("GET", "/publish?message=m", "Sec-Fetch-Site: cross-site\r\n")), 403);
  if (keeps("counters")) {
    EXPECT_EQ(stat("published"), 0);
  }
}

CONTRACT_TEST(Publishers, PagesOfOtherSitesAre403ThoughTheyHaveTheToken, "publishers, publish",
              "a publish that a page of another site makes a browser send") {
  const TokenFile file(kToken);
  start({"--publish-token-file", file.path()});
  expect_error(publish_with("Sec-Fetch-Site: cross-site\r\n" + kRightToken), 403);
}

CONTRACT_TEST(Publishers, OwnPagesAndOtherProgramsPublish, "publishers, publish, timeout",
              "`same-origin`, `none` and `same-site` are taken") {
  start();
  for (const char* site : {"same-origin", "same-site", "none"}) {
    SCOPED_TRACE(site);
    EXPECT_EQ(publish_with("Sec-Fetch-Site: " + std::string(site) + "\r\n").status, 200);
  }
  EXPECT_EQ(publish_with("").status, 200);
  EXPECT_EQ(exchange(request("GET", "/subscribe?timeout=0", "Sec-Fetch-Site: cross-site\r\n")).status, 204);
}

CONTRACT_TEST(Publishers, TokenFileThatHoldsNoneExits64AndNamesIt, "publishers, process",
              "Exit status 64 for usage, 1 for the rest") {
  const TokenFile empty("");
  const TokenFile newline("\n");
  const TokenFile lines("one\ntwo\n");
  for (const std::string& path :
       {empty.path(), newline.path(), lines.path(), std::string("/nowhere/token"), std::string("/tmp")}) {
    SCOPED_TRACE(path);
    CommandValues values;
    values.options = {"--publish-token-file", path};
    const auto process = launch(values);
    EXPECT_EQ(process->wait_for_exit(patience()), 64);
    const std::string errors = process->errors();
    EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
    EXPECT_NE(errors.find("--publish-token-file"), std::string::npos) << errors;
  }
}

CONTRACT_TEST(Publishers, OpenToOtherMachinesWithoutATokenIsWarnedOf, "publishers, process, drain, health",
              "prints one line of warning on standard error") {
  CommandValues values;
  values.address = "0.0.0.0";
  const TokenFile file(kToken);
  for (const bool has_token : {false, true}) {
    SCOPED_TRACE(has_token);
    if (has_token) values.options = {"--publish-token-file", file.path()};
    const auto process = launch(values);
    process->wait_until_ready(patience());
    const std::string errors = process->errors();
    EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), has_token ? 0 : 1) << errors;
    EXPECT_EQ(errors.find("--publish-token-file") == std::string::npos, has_token) << errors;
    Connection client(process->port());
    client.send(get_request("/healthz"));
    EXPECT_EQ(client.read_response().status, 200);
    process->signal(SIGTERM);
    EXPECT_EQ(process->wait_for_exit(kDrainBound), 0);
  }
}

}  // namespace
}  // namespace comet::test
