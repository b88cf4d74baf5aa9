// Lab 6, processes: what its tests ask beyond the conformance suite. They kill processes of the server.
#include <signal.h>

#include "labs/tests/lab_test.hpp"
#include "tests/conformance/process_group.hpp"
#include "tests/conformance/transcript.hpp"

namespace comet::test {
namespace {

class Lab6 : public LabTest {
 protected:
  void kill_worker(pid_t worker, const std::string& which) {
    ASSERT_NE(worker, server().pid()) << "one process accepts, serves and waits: there are no workers";
    transcript().happened("the worker " + which + " is killed");
    ASSERT_EQ(kill(worker, SIGKILL), 0);
  }

  // Publishes, and kills the publisher's worker when it comes to `point`.
  void kill_publisher_at(const std::string& point, const std::string& message, const std::string& channel) {
    Connection publisher = connect();
    pauses_.stop_at(point);
    publisher.send(publish_request(message, channel));
    pauses_.wait_until_stopped();
    kill_worker(pauses_.who(), "of the publisher");
    if (HasFatalFailure()) return;
    EXPECT_EQ(publisher.read_until_closed(), "");
    pauses_.go_on();
  }

  // Waits until all processes sleep. How many there are, the master included.
  std::size_t count_processes() {
    const Connection silent = connect();
    wait_until_quiet(silent);
    return processes_of(server().pid()).size();
  }

  static std::string from_oldest(const std::string& channel) {
    return "/subscribe?timeout=0&since=0&channel=" + channel;
  }
};

// The first cursor is ahead of the log when the poll comes, and not any more when its message comes; the second is too old.
CONTRACT_TEST(
    Lab6, AGapIsToldHoweverOftenTheLogIsLookedAt, "cursors, subscribe, publish, channels, timeout",
    "If nothing is retained, such a request is held, and the next message carries `Comet-Missed: true`") {
  start();
  const std::string channel = random_word();
  const std::string message = random_word();
  const std::string poll = "/subscribe?channel=" + channel + "&since=";
  const auto [milliseconds, count] = cursor(cursor_of(get("/subscribe?timeout=0")));
  Connection subscriber = connect();
  subscriber.send(get_request(poll + std::to_string(milliseconds) + "-" + std::to_string(count + 1)));
  wait_until_quiet(subscriber);
  EXPECT_EQ(publish(random_word(), random_word()).status, 200);
  wait_until_quiet(subscriber);
  EXPECT_EQ(publish(message, channel).status, 200);
  for (const Response& response : {subscriber.read_response(), get(poll + "1-0")}) {
    expect_message(response, message);
    EXPECT_EQ(response.header("Comet-Missed"), "true") << "a gap is skipped in silence";
  }
}

CONTRACT_TEST(Lab6, APublisherKilledHalfwayHasPublishedNothing, "cursors, publish, channels, timeout",
              "sent once the message is in the channel's log") {
  start();
  const std::string channel = random_word();
  kill_publisher_at("copy", random_word(), channel);
  if (HasFatalFailure()) return;
  expect_nothing_new(get(from_oldest(channel)));
  const std::string message = random_word();
  EXPECT_EQ(publish(message, channel).status, 200);
  expect_message(get(from_oldest(channel)), message);
}

CONTRACT_TEST(Lab6, APublisherKilledHalfwaySpoilsNoOtherMessage, "cursors, publish, channels, timeout",
              "at once if it is retained") {
  start({"--history", "1"});
  const std::string channel = random_word();
  const std::string message = random_word();
  EXPECT_EQ(publish(message, channel).status, 200);
  kill_publisher_at("copy", random_word(), channel);
  if (HasFatalFailure()) return;
  expect_message(get(from_oldest(channel)), message);
}

CONTRACT_TEST(Lab6, ALockWhoseOwnerWasKilledIsTakenOver, "publish, channels",
              "sent once the message is in the channel's log") {
  start();
  const std::string channel = random_word();
  kill_publisher_at("copy", random_word(), channel);
  if (HasFatalFailure()) return;
  EXPECT_EQ(publish(random_word(), channel).status, 200);
  EXPECT_EQ(publish(random_word(), channel).status, 200);
}

CONTRACT_TEST(Lab6, AMessageOfAPublisherKilledBeforeItWakesArrives, "subscribe, publish, channels",
              "holds until the next message on the channel") {
  start();
  const std::string channel = random_word();
  const std::string message = random_word();
  Connection subscriber = connect();
  subscriber.send(get_request("/subscribe?channel=" + channel));
  wait_until_quiet(subscriber);
  kill_publisher_at("wake", message, channel);
  if (HasFatalFailure()) return;
  expect_message(subscriber.read_response(), message);
}

CONTRACT_TEST(Lab6, AKilledWorkerIsReplacedAndHoldsNothing, "subscribe, publish, channels, receivers, stats",
              "how many held requests the message woke") {
  start();
  const std::string channel = random_word();
  const std::size_t processes = count_processes();
  Connection held = connect();
  pauses_.stop_at("mutex");
  held.send(get_request("/subscribe?channel=" + channel));
  pauses_.wait_until_stopped();
  const pid_t worker = pauses_.who();
  pauses_.go_on();
  wait_until_quiet(held);
  EXPECT_EQ(stat("held"), 1);
  kill_worker(worker, "of the held request");
  if (HasFatalFailure()) return;
  EXPECT_EQ(count_processes(), processes) << "no worker was started in place of the one that was killed";
  EXPECT_EQ(stat("held"), 0) << "a worker that was killed still holds a request";
  expect_receivers(exchange(publish_request(random_word(), channel)), 0);
}

// The server is the process that READY names: with it all ends.
CONTRACT_TEST(Lab6, NoWorkerOutlivesItsMaster, "subscribe, publish",
              "the server prints exactly one line on standard output, `READY port=8001 pid=4242`") {
  start();
  EXPECT_GT(count_processes(), 2) << "there are no workers";
  server().signal(SIGKILL);
  EXPECT_TRUE(server().wait_for_exit(patience()));
  EXPECT_TRUE(server().group_has_ended(patience())) << "workers live on after their master has ended";
  forget_server();
}

}  // namespace
}  // namespace comet::test
