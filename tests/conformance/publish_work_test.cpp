// The blocking work of a publish: where it was handled, or in a pool of threads.
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/conformance/fixture.hpp"

namespace comet::test {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class PublishWork : public ServerTest {
 protected:
  static std::string publish_request(std::string_view message) {
    return request("POST", "/publish", "Content-Type: text/plain\r\n", message);
  }

  // One that the server has taken and answered something on.
  Connection known_connection() {
    Connection connection = connect();
    connection.send(get_request("/healthz"));
    EXPECT_EQ(connection.read_response().status, 200);
    return connection;
  }

  // Nothing else in this process, nor in a child of it, could serve others.
  bool server_has_one_thread() {
    namespace fs = std::filesystem;
    const fs::path self = "/proc/" + std::to_string(server().pid());
    if (std::distance(fs::directory_iterator(self / "task"), {}) != 1) return false;
    for (const auto& process : fs::directory_iterator("/proc")) {
      int pid = 0, parent = 0;
      std::string name, state;
      std::ifstream(process.path() / "stat") >> pid >> name >> state >> parent;
      if (parent == server().pid()) return false;
    }
    return true;
  }

  // What publishers may hear once the drain has begun: of each the answer to what it sent, or an end.
  static void expect_no_lie(Connection& publisher) {
    if (publisher.at_end()) return;  // its request was not read any more
    const Response response = publisher.read_response();
    if (response.status == 200) {
      EXPECT_TRUE(response.has("Comet-Cursor"));
    } else {
      expect_error(response, 503);
      expect_retry_after(response);
    }
  }

  // The messages of channel `all`, from the oldest on.
  std::vector<std::string> retained() {
    std::vector<std::string> messages;
    std::string since = "0";
    while (true) {
      const Response response = get("/subscribe?timeout=0&since=" + since);
      if (response.status != 200) return messages;
      messages.push_back(response.body);
      since = cursor_of(response);
    }
  }
};

CONTRACT_TEST(PublishWork, ComesBeforeTheAnswer, "publish-work, subscribe, publish",
              "before it is appended and answered") {
  for (const char* threads : {"0", "2"}) {
    SCOPED_TRACE("--publish-work-threads " + std::string(threads));
    start({"--publish-work", "0.3", "--publish-work-threads", threads});
    Connection subscriber = hold();
    const auto begin = Clock::now();
    const Response published = publish("m");
    EXPECT_GE(Clock::now() - begin, milliseconds(300)) << "a publish is answered before its work is done";
    expect_receivers(published, 1);
    expect_message(subscriber.read_response(), "m");
    drain();
  }
}

// Tries again if the server happened to look at the other connection first. It does not go on doing so: of
// two connections, the kernel reports first the one that it reported last alone.
CONTRACT_TEST(PublishWork, WhereOneThreadDoesEverythingOthersWaitForIt, "publish-work, publish, http, health",
              "blocks everything on that thread or process") {
  start({"--publish-work", "0.5"});
  if (!server_has_one_thread()) GTEST_SKIP() << "this server has more threads or processes than one";
  Connection publisher = known_connection();
  Connection other = known_connection();
  bool waited = false;
  for (int attempt = 0; attempt < 10 && !waited; ++attempt) {
    publisher.send(get_request("/healthz"));
    EXPECT_EQ(publisher.read_response().status, 200);
    const auto begin = Clock::now();
    publisher.send(publish_request("m"));
    other.send(get_request("/healthz"));
    EXPECT_EQ(other.read_response().status, 200);
    waited = Clock::now() - begin >= milliseconds(500);
    EXPECT_EQ(publisher.read_response().status, 200);
  }
  EXPECT_TRUE(waited) << "somebody is served while the only thread works";
}

// By the order of events. A busy machine may lose the race some times, a server that waits loses
// it each time.
CONTRACT_TEST(PublishWork, InAPoolOthersAreServedMeanwhile, "publish-work, publish, http, health",
              "In a pool of threads nobody else waits") {
  start({"--publish-work", "1", "--publish-work-threads", "2"});
  Connection publisher = known_connection();
  Connection other = known_connection();
  bool served_meanwhile = false;
  for (int attempt = 0; attempt < 10 && !served_meanwhile; ++attempt) {
    publisher.send(publish_request("m"));
    other.send(get_request("/healthz"));
    EXPECT_EQ(other.read_response().status, 200);
    served_meanwhile = !publisher.readable_within(milliseconds(0));
    EXPECT_EQ(publisher.read_response().status, 200);
  }
  EXPECT_TRUE(served_meanwhile) << "nobody is served while a publish works";
}

CONTRACT_TEST(PublishWork, EachPublishIsAppendedOnce, "publish-work, publish, cursors, timeout",
              "Each is appended at most once") {
  start({"--publish-work", "0.05", "--publish-work-threads", "4"});
  std::vector<Connection> publishers;
  for (int i = 0; i < 12; ++i) {
    publishers.push_back(connect());
    publishers.back().send(publish_request(std::to_string(i)));
  }
  for (Connection& publisher : publishers) EXPECT_EQ(publisher.read_response().status, 200);
  std::vector<std::string> messages = retained();
  std::sort(messages.begin(), messages.end());
  EXPECT_EQ(std::adjacent_find(messages.begin(), messages.end()), messages.end())
      << "a message is in the log twice";
  EXPECT_EQ(messages.size(), publishers.size());
  if (keeps("counters")) {
    EXPECT_EQ(stat("published"), 12);
  }
}

CONTRACT_TEST(PublishWork, RequestsBehindItAreAnsweredInOrder,
              "publish-work, publish, publish-get, cursors, timeout, http, health",
              "Publishes of one connection keep their order") {
  start({"--publish-work", "0.05", "--publish-work-threads", "4"});
  Connection client = connect();
  client.send(publish_request("first") + get_request("/publish?message=second") + get_request("/healthz") +
              publish_request("third"));
  EXPECT_EQ(client.read_response().body, "ok");
  EXPECT_TRUE(client.read_response().has("Comet-Cursor"));
  EXPECT_FALSE(client.read_response().has("Comet-Cursor"));
  EXPECT_TRUE(client.read_response().has("Comet-Cursor"));
  EXPECT_EQ(retained(), (std::vector<std::string>{"first", "second", "third"}));
}

CONTRACT_TEST(PublishWork, ClientThatLeavesMeanwhileHasPublished,
              "publish-work, publish, cursors, timeout, http, health, counters",
              "A client that leaves meanwhile has published") {
  for (const char* threads : {"0", "2"}) {
    SCOPED_TRACE("--publish-work-threads " + std::string(threads));
    start({"--publish-work", "0.2", "--publish-work-threads", threads});
    Connection leaving = connect();
    leaving.send(publish_request("legacy"));
    leaving.leave();
    Connection half_closed = connect();
    half_closed.send(publish_request("will"));
    half_closed.end_sending();
    EXPECT_EQ(half_closed.read_response().status, 200);
    EXPECT_EQ(half_closed.read_until_closed(), "");
    wait_for("published", 2);
    Connection resetting = known_connection();
    resetting.send(publish_request("maybe"));
    resetting.reset();
    wait_for("connections", 1);  // the one that asks
    EXPECT_LE(retained().size(), 3U);
    drain();
  }
}

// Those at work are answered once they are in the log; those that wait for a thread may be refused instead.
CONTRACT_TEST(PublishWork, DrainEndsInTimeAndNobodyIsToldALie,
              "publish-work, drain, subscribe, publish, http, health",
              "If the signal to drain comes before its work has begun, the answer is a 503") {
  start({"--publish-work", "0.3", "--publish-work-threads", "1"});
  Connection subscriber = hold();
  std::vector<Connection> publishers;
  for (int i = 0; i < 24; ++i) {
    publishers.push_back(known_connection());
    publishers.back().send(publish_request(std::to_string(i)));
  }
  EXPECT_EQ(publishers.front().read_response().status, 200);
  EXPECT_EQ(subscriber.read_response().status, 200);
  server().signal(SIGTERM);
  for (std::size_t i = 1; i < publishers.size(); ++i) expect_no_lie(publishers[i]);
  finish();
}

// One work each, whoever does it, may still come to its end: not all that were sent.
CONTRACT_TEST(PublishWork, DrainDoesNotWaitForAllTheWorkThatIsLeft,
              "publish-work, drain, publish, http, health", "exits 0, all within 5 s") {
  start({"--publish-work", "0.7"});
  std::vector<Connection> publishers;
  for (int i = 0; i < 8; ++i) publishers.push_back(known_connection());
  for (Connection& publisher : publishers) {
    publisher.send(publish_request("first") + publish_request("second") + publish_request("third"));
  }
  const auto give_up = Clock::now() + patience();
  const auto is_answered = [](const Connection& publisher) {
    return publisher.readable_within(milliseconds(1));
  };
  while (std::none_of(publishers.begin(), publishers.end(), is_answered)) {
    ASSERT_LT(Clock::now(), give_up) << "nobody is answered";
  }
  server().signal(SIGTERM);
  finish();
  for (Connection& publisher : publishers) expect_no_lie(publisher);
}

}  // namespace
}  // namespace comet::test
