// Lab 5, blocking work: what its tests ask beyond the conformance suite. The work of a publish lasts as
// long as the test wants: a thread that comes to kit::work() is stopped there.
#include "labs/tests/lab_test.hpp"

namespace comet::test {
namespace {

class Lab5 : public LabTest {
 protected:
  // Until all threads of the server sleep, those of its pool too.
  void start_with_threads(int threads) {
    start({"--publish-work-threads", std::to_string(threads)});
    wait_until_quiet(Connection(server().port(), 0, Recorded::kNo));
  }

  // Sends a publish, and returns when its work has begun; it does not end before pauses_.go_on().
  Connection publish_at_work(const std::string& message, const std::string& channel) {
    Connection publisher = connect();
    pauses_.stop_at("work");
    publisher.send(publish_request(message, channel));
    pauses_.wait_until_stopped();
    return publisher;
  }

  // The messages of a channel, from the oldest on.
  std::vector<std::string> retained(const std::string& channel) {
    std::vector<std::string> messages;
    std::string since = "0";
    while (true) {
      const Response response = get("/subscribe?timeout=0&channel=" + channel + "&since=" + since);
      if (response.status != 200) return messages;
      messages.push_back(response.body);
      since = cursor_of(response);
    }
  }
};

CONTRACT_TEST(Lab5, OthersAreServedWhileAPublishWorks, "publish-work, publish, channels, stats",
              "In a pool of threads nobody else waits") {
  start_with_threads(2);
  Connection first = publish_at_work(random_word(), random_word());
  EXPECT_EQ(get("/stats").status, 200);
  Connection second = publish_at_work(random_word(), random_word());  // both are at work now
  EXPECT_EQ(get("/stats").status, 200);
  for (Connection* publisher : {&first, &second}) {
    pauses_.go_on();
    EXPECT_EQ(publisher->read_response().status, 200);
  }
}

// The loop has been told of a job that is done, and has nothing more to do.
CONTRACT_TEST(Lab5, SleepsWhileNothingHappens, "publish-work, publish, channels, stats",
              "its answer follows the append") {
  start_with_threads(2);
  EXPECT_EQ(publish(random_word(), random_word()).status, 200);
  expect_to_sleep();
}

CONTRACT_TEST(Lab5, NobodyHearsOfAPublishBeforeItsWorkIsDone,
              "publish-work, subscribe, publish, channels, stats", "before it is appended and answered") {
  start_with_threads(2);
  const std::string channel = random_word();
  const std::string message = random_word();
  Connection subscriber = hold("/subscribe?channel=" + channel);
  Connection publisher = publish_at_work(message, channel);
  EXPECT_EQ(get("/stats").status, 200);  // so the loop has done all that it had to do
  EXPECT_FALSE(publisher.readable_within(std::chrono::milliseconds(0)))
      << "a publish is answered before its work";
  EXPECT_FALSE(subscriber.readable_within(std::chrono::milliseconds(0)))
      << "a message is sent before its work";
  pauses_.go_on();
  EXPECT_EQ(publisher.read_response().status, 200);
  expect_message(subscriber.read_response(), message);
}

CONTRACT_TEST(Lab5, TwoThreadsDoTwoJobs, "publish-work, publish, channels, cursors, timeout, stats",
              "Each is appended at most once") {
  start_with_threads(2);
  const std::string channel = random_word();
  const std::string slow = random_word(), fast = random_word();
  Connection first = publish_at_work(slow, channel);
  Connection second = connect();
  second.send(publish_request(fast, channel));
  EXPECT_EQ(second.read_response().status, 200);
  ASSERT_EQ(retained(channel), std::vector<std::string>{fast});
  pauses_.go_on();
  EXPECT_EQ(first.read_response().status, 200);
  EXPECT_EQ(retained(channel), (std::vector<std::string>{fast, slow}));
}

// First the loop's thread, and then one of the pool's, stops at each of its steps; the others go on. At last
// the loop stops at each of its steps when one job is done, and the other is done while it stands.
CONTRACT_TEST(Lab5, NoAnswerIsLostWhereverAThreadStops, "publish-work, publish, channels",
              "its answer follows the append") {
  start_with_threads(2);
  Connection idle = connect();
  const std::string channel = random_word();
  for (const auto whose : {Pauses::Whose::kMainThread, Pauses::Whose::kOtherThreads}) {
    for (int step = 1; !HasFailure(); ++step) {
      Connection publisher = connect();
      wait_until_quiet(idle);
      pauses_.stop_at("mutex", step, whose);
      publisher.send(publish_request(random_word(), channel));
      publisher.wait_until_received();
      wait_until_quiet(idle);
      const bool has_stopped = pauses_.has_stopped();
      pauses_.go_on();
      EXPECT_EQ(publisher.read_response().status, 200);
      if (!has_stopped) break;  // it has fewer steps
    }
  }
  for (int step = 1; !HasFailure(); ++step) {
    Connection first = publish_at_work(random_word(), channel),
               second = publish_at_work(random_word(), channel);
    pauses_.stop_at("mutex", step, Pauses::Whose::kMainThread);
    pauses_.go_on();  // the first job
    wait_until_quiet(idle);
    const bool has_stopped = pauses_.has_stopped();
    pauses_.go_on();  // the second
    wait_until_quiet(idle);
    pauses_.go_on();  // the loop
    for (Connection* publisher : {&first, &second}) EXPECT_EQ(publisher->read_response().status, 200);
    if (!has_stopped) break;
  }
}

// While the only thread works nobody sleeps on the condition variable.
CONTRACT_TEST(Lab5, AJobThatComesWhileAllThreadsWorkIsDone, "publish-work, publish, channels, stats",
              "its answer follows the append") {
  start_with_threads(1);
  const std::string channel = random_word();
  Connection first = publish_at_work(random_word(), channel);
  Connection second = connect();
  second.send(publish_request(random_word(), channel));
  EXPECT_EQ(get("/stats").status, 200);  // so the loop has read the second publish
  pauses_.go_on();
  EXPECT_EQ(first.read_response().status, 200);
  EXPECT_EQ(second.read_response().status, 200);
}

// The newcomer's socket gets the number that the leaver's socket had.
CONTRACT_TEST(Lab5, TheAnswerOfAClientThatLeftReachesNobodyElse,
              "publish-work, subscribe, publish, channels, stats",
              "A client that leaves meanwhile has published") {
  start_with_threads(2);
  const std::string channel = random_word(), others_channel = random_word();
  const std::string message = random_word(), others_message = random_word();
  Connection leaver = publish_at_work(others_message, others_channel);
  leaver.reset();
  EXPECT_EQ(get("/stats").status, 200);  // so the loop has closed the leaver's connection
  Connection newcomer = hold("/subscribe?channel=" + channel);
  pauses_.go_on();
  expect_message(get("/subscribe?since=0&channel=" + others_channel), others_message);
  EXPECT_EQ(publish(message, channel).status, 200);
  expect_message(newcomer.read_response(), message);
}

}  // namespace
}  // namespace comet::test
