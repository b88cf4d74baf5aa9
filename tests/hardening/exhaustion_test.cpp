// Descriptors, processes, threads or memory run out under a running server: what comes new is refused with
// 503 or kept waiting, what is held stays held, nothing that was accepted is lost, and with room again all is
// as before.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/fixture.hpp"
#include "tests/hardening/poller.hpp"
#include "tests/hardening/processes.hpp"

namespace comet {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kBigMessage = std::size_t{16} << 20;
constexpr std::size_t kRoomForSmallOnes = std::size_t{6}
                                          << 20;  // far less than kBigMessage, plenty for the rest

class Exhaustion : public ServerTest {
 protected:
  // For each process of the server: `soft(process)`. Again where one was forked before its parent had the
  // limit.
  template <class Soft>
  void limit_all(__rlimit_resource resource, Soft soft) {
    for (std::vector<pid_t> limited, found = processes_of(server().pid()); found != limited;
         limited = std::exchange(found, processes_of(server().pid()))) {
      for (const pid_t process : found) limit(process, resource, soft(process));
    }
  }
  void lift(__rlimit_resource resource) {
    limit_all(resource, [](pid_t) { return RLIM_INFINITY; });
  }

  // What may be written to. Not the address space: of that a thread's heap has reserved its own before.
  void limit_memory() {
    limit_all(RLIMIT_DATA, [](pid_t process) { return writable_memory(process) + kRoomForSmallOnes; });
  }

  // Holds on channels of their own, until memory is out and one is refused, and some more.
  std::vector<Connection> use_up_memory() {
    limit_all(RLIMIT_DATA, writable_memory);
    std::vector<Connection> subscribers;
    bool refused = false;
    for (int more = 50; more > 0 && subscribers.size() < 8'000; more -= refused ? 1 : 0) {
      const std::string number = std::to_string(subscribers.size());
      subscribers.push_back(connect());
      subscribers.back().send(get_request("/subscribe?channel=" + number + std::string(50, 'c')));
      subscribers.back().readable_within(milliseconds(1));
      // An answer may take a while: prefork's last free worker gives them one by one.
      const auto latest = subscribers.end() - std::min<std::ptrdiff_t>(200, std::ssize(subscribers));
      refused = refused || std::any_of(latest, subscribers.end(), [](Connection& subscriber) {
                  return subscriber.readable_within(milliseconds(0));
                });
    }
    EXPECT_TRUE(refused) << "the server has taken more than its memory";
    return subscribers;
  }

  // At the limit the last thread may be busy with the one that it has just refused; then the answer is 503.
  bool is_held(std::size_t number) {
    try {
      return stat("held") == static_cast<std::int64_t>(number);
    } catch (const ClientError&) {
      return false;
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
        }
        break;
      }
      held.push_back(std::move(subscriber));
    }
    return held;
  }

  // Here too: a publisher that is told to come again does.
  void expect_publish_reaches(std::vector<Connection>& subscribers, const std::string& message) {
    Response answer = publish(message);
    const auto give_up = std::chrono::steady_clock::now() + patience();
    while (answer.status == 503 && std::chrono::steady_clock::now() < give_up) answer = publish(message);
    EXPECT_EQ(answer.header("Comet-Receivers"), std::to_string(subscribers.size()));
    for (Connection& subscriber : subscribers) expect_message(subscriber.read_response(), message);
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

  // Publishes a message that memory lacks for: refused, or the connection ends. True: refused.
  bool expect_no_memory_for_a_publish() {
    Connection publisher = connect();
    publisher.send(
        request("POST", "/publish", "Content-Type: text/plain\r\n", std::string(kBigMessage, 'b')));
    const std::string answer = publisher.read_until_closed();
    EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 503 ")) << answer.substr(0, 200);
    return !answer.empty();
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
  auto others = std::make_unique<SleepingProcesses>(few.user, 110);
  start({}, kSubscribers + 16, few);
  {
    std::vector<Connection> subscribers = hold_many(kSubscribers);
    EXPECT_GE(subscribers.size(), 10U);
    expect_publish_reaches(subscribers, "at the limit");
  }
  wait_for("held", 0);
  others.reset();
  std::vector<Connection> subscribers;
  const auto give_up = std::chrono::steady_clock::now() + patience();
  while (subscribers.size() < kSubscribers && std::chrono::steady_clock::now() < give_up) {
    subscribers.clear();
    wait_for("held", 0);
    subscribers = hold_many(kSubscribers);
  }
  EXPECT_EQ(subscribers.size(), kSubscribers) << "the server does not use the room that it has again";
  expect_publish_reaches(subscribers, "with room again");
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

TEST_F(Exhaustion, WithoutMemoryNewConnectionsAndChannelsAreRefusedAndTheOthersGoOn) {
  start();
  std::vector<Connection> subscribers;
  subscribers.push_back(hold());
  std::vector<Connection> publishers;
  for (int i = 0; i < 8; ++i) {
    publishers.push_back(connect());
    publishers.back().send(get_request("/healthz"));
    EXPECT_EQ(publishers.back().read_response().status, 200);
  }
  {
    const std::vector<Connection> others = use_up_memory();
    for (std::size_t i = 0; i < publishers.size(); ++i) {
      publishers[i].send(
          request("GET", "/publish?message=a&channel=" + std::to_string(i), "Connection: close\r\n"));
      const std::string answer = publishers[i].read_until_closed();
      EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 503 ") ||
                  answer.starts_with("HTTP/1.1 200 "))
          << answer;
    }
    lift(RLIMIT_DATA);
  }
  wait_for("held", 1);
  expect_publish_reaches(subscribers, "after");
}

// None of its threads has taken memory for anything before.
TEST_F(Exhaustion, WithoutMemoryFromItsStartItLivesAndServesAgainWithRoom) {
  start();
  { const std::vector<Connection> others = use_up_memory(); }
  lift(RLIMIT_DATA);
  wait_for("held", 0);
  EXPECT_EQ(publish("after").status, 200);
}

TEST_F(Exhaustion, WithoutMemoryItDrains) {
  start();
  const Connection subscriber = hold();
  const std::vector<Connection> others = use_up_memory();
  drain();
}

TEST_F(Exhaustion, WithoutMemoryForAMessageItIsRefusedAndTheOthersGoOn) {
  start({"--max-message", std::to_string(kBigMessage)});
  Poller reader(server().port(), "all");
  publish("before");
  EXPECT_EQ(reader.poll(), "before");
  std::vector<Connection> subscribers;
  subscribers.push_back(hold());
  limit_memory();
  int refused = 0;
  for (int i = 0; i < 5; ++i) refused += expect_no_memory_for_a_publish();
  EXPECT_GE(stat("rejected"), refused);
  EXPECT_EQ(stat("published"), 1);
  expect_publish_reaches(subscribers, "during");
  subscribers.clear();

  lift(RLIMIT_DATA);
  const std::string big(kBigMessage, 'b');
  EXPECT_EQ(publish(big).status, 200);
  EXPECT_EQ(reader.poll(), "during");
  EXPECT_TRUE(reader.poll() == big);
}

TEST_F(Exhaustion, WithoutMemoryForACopyOfAMessageItsReaderIsRefusedAndCanComeBack) {
  start({"--max-message", std::to_string(kBigMessage)});
  const std::string big(kBigMessage, 'b');
  EXPECT_EQ(publish(big).status, 200);
  limit_memory();
  std::vector<Connection> readers;  // nothing is read yet, so that a copy once made is not free for the next
  for (int i = 0; i < 6; ++i) {
    readers.push_back(connect());
    readers.back().send("GET /subscribe?since=0 HTTP/1.0\r\n\r\n");  // HTTP/1.0 needs a framing of its own
    EXPECT_TRUE(readers.back().readable_within(patience()));
  }
  lift(RLIMIT_DATA);
  int refused = 0;
  int delivered = 0;
  for (Connection& reader : readers) {
    const std::string answer = reader.read_until_closed();
    const bool is_refusal = answer.starts_with("HTTP/1.1 503 ");
    const bool is_whole = answer.ends_with(big);
    EXPECT_TRUE(answer.empty() || is_refusal || is_whole) << answer.substr(0, 200);
    refused += is_refusal;
    delivered += is_whole;
  }
  EXPECT_GE(refused, 1) << "memory was there for all copies";
  wait_for("delivered", delivered);
  EXPECT_EQ(stat("rejected"), refused);
  EXPECT_TRUE(get("/subscribe?since=0").body == big);
}

}  // namespace
}  // namespace comet
