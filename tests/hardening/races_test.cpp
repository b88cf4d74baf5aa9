// Publishing against time-outs, leaving clients and a drain, many times over: nothing lost,
// repeated or wrong.
#include <signal.h>

#include <algorithm>
#include <future>
#include <random>
#include <set>

#include "tests/conformance/fixture.hpp"
#include "tests/hardening/poller.hpp"
#include "tests/hardening/scale.hpp"

namespace comet::test {
namespace {

constexpr int kReaders = 20;
constexpr int kPublishers = 4;
constexpr int kQuiet = 12;  // holds that a drain ends

// PUBLISHER:NUMBER: and a text whose length and letters follow from both.
std::string message_of(int publisher, int number) {
  const auto letter = static_cast<char>('a' + (publisher + number) % 26);
  return std::to_string(publisher) + ":" + std::to_string(number) + ":" +
         std::string(static_cast<std::size_t>(number * 7 % 300), letter);
}

struct Received {
  int publisher = -1;
  int number = -1;
  bool operator==(const Received&) const = default;
};

// Throws ClientError where it is not what message_of() made.
Received read_message(const std::string& message) {
  Received received;
  const int fields = std::sscanf(message.c_str(), "%d:%d:", &received.publisher, &received.number);
  if (fields != 2 || message != message_of(received.publisher, received.number)) {
    throw ClientError("a wrong message: " + message);
  }
  return received;
}

class Races : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    watch_dog(scale().watch_dog);
  }

  // One in three readers often leaves before its answer.
  std::vector<Received> read_all(int reader, std::size_t count) {
    std::mt19937 random(static_cast<unsigned>(reader));
    Poller poller(server().port(), "races", "&timeout=5");
    std::vector<Received> received;
    while (received.size() < count) {
      if (reader % 3 == 2 && random() % 8 == 0) poller.ask_and_leave(random() % 2 == 0);
      if (const auto message = poller.poll()) received.push_back(read_message(*message));
    }
    return received;
  }

  static void expect_each_once(const std::vector<Received>& received, int per_publisher) {
    std::vector<int> next(kPublishers, 0);
    for (const auto& [publisher, number] : received) {
      ASSERT_GE(publisher, 0);
      ASSERT_LT(publisher, kPublishers);
      ASSERT_EQ(number, next[static_cast<std::size_t>(publisher)]++) << "lost, repeated or out of order";
    }
    for (const int count : next) EXPECT_EQ(count, per_publisher);
  }
};

TEST_F(Races, EveryReaderGetsEveryMessageOnceAndAllInOneOrder) {
  const int per_publisher = scale().race_messages / kPublishers;
  const auto all = static_cast<std::size_t>(per_publisher) * kPublishers;
  start({"--history", std::to_string(all)}, 2 * kReaders + kPublishers + 8);
  std::vector<std::future<std::vector<Received>>> readers;
  for (int reader = 0; reader < kReaders; ++reader) {
    readers.push_back(std::async(std::launch::async, [this, reader, all] { return read_all(reader, all); }));
  }
  std::vector<std::future<void>> publishers;
  for (int publisher = 0; publisher < kPublishers; ++publisher) {
    publishers.push_back(std::async(std::launch::async, [this, publisher, per_publisher] {
      Publisher client(server().port(), "races");
      for (int number = 0; number < per_publisher; ++number) client.publish(message_of(publisher, number));
    }));
  }
  for (auto& publisher : publishers) EXPECT_NO_THROW(publisher.get());
  std::vector<std::vector<Received>> received(kReaders);
  for (std::size_t i = 0; i < readers.size(); ++i) EXPECT_NO_THROW(received[i] = readers[i].get());
  expect_each_once(received.front(), per_publisher);
  for (const auto& each : received) EXPECT_TRUE(each == received.front()) << "readers see different orders";
  wait_for("held", 0);
  wait_for("connections", 1);
  EXPECT_EQ(stat("published"), static_cast<std::int64_t>(all));
  if (HasFailure()) return;
  print_figure(std::to_string(all * kReaders) + " deliveries: 0 lost, 0 repeated, 0 wrong");
}

// A client of a server that drains: ends at the first sign of it, an answer that says so or a close
// before an answer.
template <class Work>
long until_drained(Work work) {
  for (long sum = 0;;) {
    try {
      sum += work();
    } catch (const ClientError& error) {
      const std::string what = error.what();
      EXPECT_TRUE(what.starts_with("the answer was 503") || what.starts_with("connect to the server") ||
                  what == "the server closed the connection without an answer")
          << what;
      return sum;
    }
  }
}

// Held on a quiet channel while others are busy: each gets its 503, and not all are told the same time.
void expect_spread_refusals(std::vector<Connection>& subscribers) {
  std::set<std::string> told;
  for (Connection& subscriber : subscribers) {
    const Response response = subscriber.read_response();
    expect_error(response, 503);
    expect_retry_after(response);
    EXPECT_EQ(response.header("Connection"), "close");
    told.insert(response.header("Retry-After"));
  }
  EXPECT_GE(told.size(), 3U) << "too many are told to come back at once";
}

TEST_F(Races, ADrainUnderLoadCutsNoAnswerDeliversWhatWasCountedAndSpreadsTheHeld) {
  std::mt19937 random(7);
  for (int round = 0; round < scale().drains; ++round) {
    start({"--history", "100000"}, 60);
    std::vector<Connection> quiet;
    for (int i = 0; i < kQuiet; ++i) quiet.push_back(hold("/subscribe?channel=quiet"));
    std::vector<std::future<long>> readers;
    std::vector<std::future<long>> publishers;
    for (int i = 0; i < 8; ++i) {
      readers.push_back(std::async(std::launch::async, [port = server().port()] {
        Poller poller(port, "drain");
        return until_drained([&] { return poller.poll().has_value() ? 1L : 0L; });
      }));
    }
    for (int i = 0; i < 3; ++i) {
      publishers.push_back(std::async(std::launch::async, [port = server().port()] {
        Publisher publisher(port, "drain");
        return until_drained([&] { return static_cast<long>(publisher.publish("m")); });
      }));
    }
    const auto enough = static_cast<std::int64_t>(random() % 60);
    while (stat("published") < enough) continue;
    server().signal(SIGTERM);
    expect_spread_refusals(quiet);
    quiet.clear();
    finish();
    long delivered = 0;
    long woken = 0;
    for (auto& reader : readers) delivered += reader.get();
    for (auto& publisher : publishers) woken += publisher.get();
    EXPECT_GE(delivered, woken) << "held requests were counted as receivers and got no message";
  }
  print_figure(
      std::to_string(scale().drains) +
      " drains under load: every answer whole, every wake-up delivered, every hold refused with 503");
}

}  // namespace
}  // namespace comet::test
