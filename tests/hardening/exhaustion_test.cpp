// Descriptors, processes or threads run out under a running server: what comes new is refused with 503
// or kept waiting, what is held stays held, nothing that was accepted is lost, and with room again all
// is as before.
#include "tests/hardening/exhaustion.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace comet::test {
namespace {

using std::chrono::milliseconds;

class Exhaustion : public ExhaustionTest {
 protected:
  // At the limit the last thread may be busy with the one that it has just refused; then the answer is 503.
  bool is_held(std::size_t number) {
    try {
      return stat("held") == static_cast<std::int64_t>(number);
    } catch (const ClientError&) {
      return false;
    }
  }

  void wait_for_none_held() {
    const auto give_up = std::chrono::steady_clock::now() + patience();
    while (!is_held(0)) {
      ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "some stay held, or nobody is answered";
      std::this_thread::sleep_for(milliseconds(5));
    }
  }

  // Subscribers, one after another, until one is refused or not taken; at most `most`.
  std::vector<Connection> hold_many(int most) {
    std::vector<Connection> held;
    for (int i = 0; i < most; ++i) {
      Connection subscriber = connect();
      subscriber.send(get_request("/subscribe"));
      const auto give_up = std::chrono::steady_clock::now() + milliseconds(2'000);
      bool taken = false;
      while (!taken && !subscriber.readable_within(milliseconds(5)) &&
             std::chrono::steady_clock::now() < give_up) {
        taken = is_held(held.size() + 1);
      }
      if (!taken) {
        if (subscriber.readable_within(milliseconds(0))) {
          EXPECT_EQ(subscriber.read_response().status, 503);
        } else if (const auto ended = std::ranges::find_if(
                       held, [](Connection& earlier) { return earlier.readable_within(milliseconds(0)); });
                   ended != held.end()) {
          // The server did not know yet that this was its last, and has ended one earlier hold instead.
          EXPECT_EQ(ended->read_response().status, 503);
          held.erase(ended);
        }
        break;
      }
      held.push_back(std::move(subscriber));
    }
    return held;
  }

  // READY and a publish, or else the end with status 1 and one line that has `why`, a regular expression.
  void expect_serves_or_says_why(const std::vector<std::string>& options, const Surroundings& surroundings,
                                 const std::string& why) {
    CommandValues values;
    values.options = options;
    values.connections = 8;
    const auto process = launch(values, surroundings);
    try {
      process->wait_until_ready(patience());
      Connection publisher(process->port());
      publisher.send(get_request("/publish?message=a"));
      EXPECT_EQ(publisher.read_response().status, 200);
    } catch (const std::runtime_error&) {
      EXPECT_EQ(process->wait_for_exit(patience()), 1) << process->errors();
      const std::string errors = process->errors();
      EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
      EXPECT_TRUE(std::regex_search(errors, std::regex(why))) << errors;
    }
  }
};

TEST_F(Exhaustion, WithoutDescriptorsNewConnectionsWaitAndTheOthersGoOn) {
  start();
  std::vector<Connection> subscribers;
  subscribers.push_back(hold());
  Connection publisher = connect();
  publisher.send(get_request("/healthz"));
  EXPECT_EQ(publisher.read_response().status, 200);
  limit_all(RLIMIT_NOFILE, descriptors_end);

  std::vector<Connection> waiting;
  for (int i = 0; i < 30; ++i) {
    waiting.push_back(connect());
    waiting.back().send(get_request("/healthz"));
  }
  publisher.send(request("POST", "/publish", "Content-Type: text/plain\r\n", "during"));
  EXPECT_EQ(publisher.read_response().header("Comet-Receivers"), "1");
  expect_message(subscribers.front().read_response(), "during");
  subscribers.front().send(get_request("/subscribe"));

  lift(RLIMIT_NOFILE);
  int refused = 0;
  for (Connection& connection : waiting) {
    const int status = connection.read_response().status;
    EXPECT_TRUE(status == 200 || status == 503) << status;
    if (status == 503) ++refused;
  }
  EXPECT_LT(refused, 30) << "nobody waited for a descriptor";
  waiting.clear();
  wait_for("held", 1);
  expect_publish_reaches(subscribers, "after");
}

TEST_F(Exhaustion, WithoutProcessesAndThreadsHoldsAreRefusedUntilThereIsRoom) {
  if (geteuid() != 0)
    GTEST_SKIP() << "the kernel counts processes by user, and only root can make one for this test";
  constexpr int kSubscribers = 100;
  Surroundings few;
  few.user = static_cast<uid_t>(40'000 + getpid() % 20'000);  // nobody else's, and one that a container has
  few.processes = 150;
  setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // the look for leaks takes a process of its own
  auto others = std::make_unique<SleepingProcesses>(few.user, 110);
  start({}, kSubscribers + 16, few);
  {
    std::vector<Connection> subscribers = hold_many(kSubscribers);
    EXPECT_GE(subscribers.size(), 10U);
    expect_publish_reaches(subscribers, "at the limit");
  }
  wait_for_none_held();
  others.reset();
  std::vector<Connection> subscribers;
  const auto give_up = std::chrono::steady_clock::now() + patience();
  while (subscribers.size() < kSubscribers && std::chrono::steady_clock::now() < give_up) {
    subscribers.clear();
    wait_for_none_held();
    subscribers = hold_many(kSubscribers);
  }
  EXPECT_EQ(subscribers.size(), kSubscribers) << "the server does not use the room that it has again";
  expect_publish_reaches(subscribers, "with room again");
}

TEST_F(Exhaustion, WithFewDescriptorsOrLittleMemoryItStartsOrSaysWhyItCannot) {
  constexpr int kLoaderFailed = 127;  // not yet the server
  std::vector<Surroundings> all;
  for (unsigned descriptors = 4; descriptors <= 52; descriptors += descriptors < 14 ? 1 : 2)
    all.push_back({.descriptors = descriptors});
  for (std::size_t megabytes = 6; megabytes <= 30; megabytes += 4) {
    all.push_back({.address_space = megabytes << 20});
  }
  int ready = 0, ended = 0;
  for (const Surroundings& few : all) {
    SCOPED_TRACE(std::to_string(few.descriptors) + " descriptors, " + std::to_string(few.address_space) +
                 " bytes");
    const auto process = launch({}, few);
    try {
      process->wait_until_ready(patience());
    } catch (const std::runtime_error&) {
      const int status = process->wait_for_exit(patience()).value_or(-1);
      const std::string errors = process->errors();
      if (status == kLoaderFailed && errors.find("cannot be started") == std::string::npos) continue;
      EXPECT_EQ(status, 1) << errors;
      EXPECT_EQ(std::count(errors.begin(), errors.end(), '\n'), 1) << errors;
      ++ended;
      continue;
    }
    ++ready;
    Connection client(process->port());
    client.send(get_request("/healthz"));
    EXPECT_EQ(client.read_response().status, 200) << "READY, and serves nobody";
  }
  EXPECT_GT(ready, 0);
  EXPECT_GT(ended, 0);
}

// Every server that has a pool for the work of publishes: one that cannot have its threads is never READY.
TEST_F(Exhaustion, WithoutThreadsForTheWorkOfPublishesItEndsBeforeReadyAndSaysWhy) {
  if (geteuid() != 0)
    GTEST_SKIP() << "the kernel counts processes by user, and only root can make one for this test";
  Surroundings few;
  few.user = static_cast<uid_t>(40'000 + getpid() % 20'000);
  few.processes = 60;
  expect_serves_or_says_why({"--publish-work", "0.001", "--publish-work-threads", "100"}, few,
                            "--publish-work-threads");
}

// None beside the one that was started: a server that needs more than that is never READY.
TEST_F(Exhaustion, WithoutAnyOtherProcessOrThreadItServesOrEndsBeforeReadyAndSaysWhy) {
  if (geteuid() != 0)
    GTEST_SKIP() << "the kernel counts processes by user, and only root can make one for this test";
  Surroundings alone;
  alone.user = static_cast<uid_t>(40'000 + getpid() % 20'000);
  alone.processes = 1;
  expect_serves_or_says_why({}, alone, "limit of processes|--threads");
}

}  // namespace
}  // namespace comet::test
