// Drain: SIGTERM and SIGINT answer held requests, finish writes and exit 0 within 5 s; a second signal
// exits at once.
#include <signal.h>

#include <map>

#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

class Drain : public ServerTest {
 protected:
  static void expect_drained(Connection& subscriber) {
    const Response response = subscriber.read_response();
    expect_error(response, 503);
    expect_retry_after(response);
    EXPECT_EQ(response.header("Connection"), "close");
    expect_not_stored(response);
    EXPECT_EQ(subscriber.read_until_closed(), "");
  }

  void wait_until_drain_has_begun() {
    const auto give_up = std::chrono::steady_clock::now() + patience();
    // Ten in a row: each thread of a server closes a listening socket of its own, one just after the other.
    for (int refused = 0; refused < 10;) {
      if (std::chrono::steady_clock::now() >= give_up) FAIL() << "still takes connections after SIGTERM";
      try {
        connect();
        refused = 0;
      } catch (const ClientError&) {
        ++refused;
      }
    }
  }

  // A write to it is in progress.
  Connection never_reading_client() {
    start({"--max-message", std::to_string(big_message().size())});
    return ask_for_big_message(get_request("/subscribe?since=0") + get_request("/subscribe?since=0"));
  }
};

CONTRACT_TEST(Drain, SigtermAnswersHeldRequestsAndExits0, "drain, subscribe, channels",
              "answers every held request with 503, `Retry-After` and `Connection: close`") {
  start();
  Connection first = hold();
  Connection second = hold("/subscribe?channel=other");
  server().signal(SIGTERM);
  expect_drained(first);
  expect_drained(second);
  finish();
}

CONTRACT_TEST(Drain, SigintAnswersHeldRequestsAndExits0, "drain, subscribe",
              "SIGTERM, SIGINT or SIGHUP drains") {
  start();
  Connection subscriber = hold();
  server().signal(SIGINT);
  expect_drained(subscriber);
  finish();
}

// In turn, so that not all come back in the same second.
CONTRACT_TEST(Drain, SpreadsTheReturnOfTheHeld, "drain, subscribe, stats",
              "is given out in turn from 1 to N seconds") {
  start({}, 24);
  std::vector<Connection> subscribers;
  for (int i = 0; i < 12; ++i) {
    subscribers.push_back(connect());
    subscribers.back().send(get_request("/subscribe"));
  }
  wait_for("held", 12);
  server().signal(SIGTERM);
  std::map<std::string, int> told;
  for (Connection& subscriber : subscribers) {
    const Response response = subscriber.read_response();
    expect_error(response, 503);
    expect_retry_after(response);
    ++told[response.header("Retry-After")];
  }
  EXPECT_GT(told.size(), 1U) << "all are told to come back at once";
  for (const auto& [seconds, clients] : told) {
    EXPECT_LE(std::stoi(seconds), 5) << "the window is longer than so few clients need";
    EXPECT_LE(clients, 4) << "too many are told to come back after " << seconds << " s";
  }
  finish();
}

CONTRACT_TEST(Drain, SigintToTheWholeGroupAsATerminalSendsIt, "drain, subscribe",
              "SIGTERM, SIGINT or SIGHUP drains") {
  start();
  Connection subscriber = hold();
  server().signal_group(SIGINT);
  expect_drained(subscriber);
  finish();
}

CONTRACT_TEST(Drain, ClosesIdleAndHalfSentConnections, "drain, health, http", "exits 0, all within 5 s") {
  start();
  Connection silent = connect();
  Connection idle = connect();
  idle.send(get_request("/healthz"));
  EXPECT_EQ(idle.read_response().status, 200);
  Connection half_sent = connect();
  half_sent.send("GET /healthz HTTP/1.1\r\nHost: ");
  server().signal(SIGTERM);
  finish();
  EXPECT_EQ(idle.read_until_closed(), "");
}

CONTRACT_TEST(Drain, AnswersAMessageThatWasPublishedBefore, "drain, subscribe, publish",
              "finishes the writes in progress") {
  start();
  Connection subscriber = hold();
  EXPECT_EQ(publish("last words").status, 200);
  server().signal(SIGTERM);
  expect_message(subscriber.read_response(), "last words");
  finish();
}

CONTRACT_TEST(Drain, TakesNoNewConnections, "drain, publish, cursors, http, refusals",
              "the server stops accepting") {
  Connection client = never_reading_client();  // so that the drain lasts
  server().signal(SIGTERM);
  wait_until_drain_has_begun();
  EXPECT_FALSE(server().wait_for_exit(std::chrono::milliseconds(0))) << "it had ended by then";
  EXPECT_THROW(connect(), ClientError);
  client.leave();
  finish();
}

CONTRACT_TEST(Drain, EndsInTimeThoughAClientReadsNothing, "drain, publish, cursors, http, refusals",
              "exits 0, all within 5 s") {
  Connection client = never_reading_client();
  server().signal(SIGTERM);
  finish();
}

CONTRACT_TEST(Drain, FinishesAWriteInProgress, "drain, publish, cursors, http, refusals",
              "finishes the writes in progress") {
  Connection client = never_reading_client();
  server().signal(SIGTERM);
  expect_message(client.read_response(), big_message());
  // What follows is the server's choice, but no answer is cut off.
  while (!client.at_end()) {
    const Response response = client.read_response();
    EXPECT_TRUE(response.status == 200 || response.status == 503) << response.status;
  }
  finish();
}

CONTRACT_TEST(Drain, SecondSignalExitsAtOnce, "drain, publish, cursors, http, refusals",
              "A second signal ends it at once") {
  Connection client = never_reading_client();
  server().signal(SIGTERM);
  wait_until_drain_has_begun();  // two signals at once would be one
  server().signal(SIGTERM);
  // Well under the 5 s that the first signal alone allows.
  EXPECT_TRUE(server().wait_for_exit(std::chrono::milliseconds(2'500))) << "runs on after a second signal";
  EXPECT_TRUE(server().group_has_ended(std::chrono::milliseconds(2'500)))
      << "processes left after a second signal";
  forget_server();
}

}  // namespace
}  // namespace comet::test
