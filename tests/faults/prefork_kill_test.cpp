// Workers of comet-prefork that are killed anywhere, wear out or follow the load: each costs its own
// client at most.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <future>
#include <map>
#include <random>
#include <thread>

#include "tests/faults/prefork_test.hpp"
#include "tests/hardening/scale.hpp"

namespace comet::test {
namespace {

using std::chrono::milliseconds;

class PreforkKill : public PreforkTest {
 protected:
  void TearDown() override {
    EXPECT_EQ(publish("still-here").status, 200);
    PreforkTest::TearDown();
  }

  bool one_is_left(const std::vector<pid_t>& of) const {
    const std::vector<pid_t> now = workers();
    return std::ranges::any_of(of,
                               [&now](pid_t worker) { return std::ranges::find(now, worker) != now.end(); });
  }

  // On a connection of its own; asked again where the worker that took it was killed.
  Response get(std::string_view target) {
    while (true) {
      try {
        Connection connection(server_->port());
        connection.send(request("GET", target, "Connection: close\r\n"));
        return connection.read_response();
      } catch (const ClientError&) {
        if (server_->wait_for_exit(milliseconds(0))) throw;
      }
    }
  }
  Response publish(const std::string& message) { return get("/publish?message=" + message); }
  std::int64_t stat(const std::string& name) {
    return boost::json::parse(get("/stats").body).at(name).to_number<std::int64_t>();
  }
  void wait_for(const std::string& name, std::int64_t value) {
    const auto deadline = std::chrono::steady_clock::now() + patience();
    while (stat(name) != value) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << name << " stays at " << stat(name);
      std::this_thread::sleep_for(milliseconds(5));
    }
  }
  Connection hold() {
    const std::int64_t held = stat("held");
    Connection connection(server_->port());
    connection.send(get_request("/subscribe"));
    wait_for("held", held + 1);
    return connection;
  }

  // Of `subscribers` clients of `workers` workers. Two workers that decide at once may both leave the
  // last place free.
  void expect_all_but_one_held(std::int64_t subscribers, std::int64_t workers) {
    wait_until([&] { return stat("held") + stat("rejected") >= subscribers; });
    EXPECT_LE(stat("held"), workers - 1);
    EXPECT_GE(stat("held"), workers - 2);
  }

  // Publishes NAME:1, NAME:2, ... until `stop`; returns the numbers that were answered. A message whose
  // worker was killed may have been published or not.
  std::vector<int> publish_until(const std::atomic<bool>& stop, const std::string& name) {
    std::vector<int> answered;
    for (int number = 1; !stop; ++number) {
      try {
        Connection connection(server_->port());
        connection.send(request("POST", "/publish", "Connection: close\r\nContent-Type: text/plain\r\n",
                                name + ":" + std::to_string(number)));
        if (connection.read_response().status == 200) answered.push_back(number);
      } catch (const ClientError&) {
      }
    }
    return answered;
  }

  // Polls with the last cursor, connecting again where a worker was killed, until the message "end" has come.
  std::vector<std::string> subscribe_until_end() {
    std::vector<std::string> messages;
    std::string since = "0";
    while (messages.empty() || messages.back() != "end") {
      try {
        Connection connection(server_->port());
        while (messages.empty() || messages.back() != "end") {
          connection.send(get_request("/subscribe?timeout=1&since=" + since));
          const Response response = connection.read_response();
          EXPECT_FALSE(response.has("Comet-Missed"));
          if (response.status == 503) std::this_thread::sleep_for(milliseconds(20));
          if (response.status != 200) continue;
          messages.push_back(response.body);
          since = response.header("Comet-Cursor");
        }
      } catch (const ClientError&) {
        if (server_->wait_for_exit(milliseconds(0))) break;
      }
    }
    return messages;
  }
};

void expect_every_answered_message_once(const std::vector<std::string>& messages, const std::string& name,
                                        const std::vector<int>& answered) {
  std::vector<int> received;
  for (const std::string& message : messages) {
    if (message.starts_with(name + ":")) received.push_back(std::stoi(message.substr(name.size() + 1)));
  }
  EXPECT_EQ(std::adjacent_find(received.begin(), received.end(), std::greater_equal<>()), received.end())
      << "a message is repeated or out of order";
  EXPECT_TRUE(std::includes(received.begin(), received.end(), answered.begin(), answered.end()))
      << "a message that was answered is lost";
}

TEST_F(PreforkKill, NothingAnsweredIsLostWhileWorkersAreKilledAtRandom) {
  const int kills = scale().kills;
  start({"--workers", "12:40", "--history", "100000"});
  std::atomic<bool> stop = false;
  std::vector<std::future<std::vector<std::string>>> subscribers;
  for (int i = 0; i < 6; ++i)
    subscribers.push_back(std::async(std::launch::async, [this] { return subscribe_until_end(); }));
  std::map<std::string, std::future<std::vector<int>>> publishers;
  for (const std::string name : {"a", "b"}) {
    publishers[name] =
        std::async(std::launch::async, [this, &stop, name] { return publish_until(stop, name); });
  }
  std::mt19937 random(5);
  for (int killed = 0; killed < kills;) {
    const std::vector<pid_t> now = workers();
    if (!now.empty() && kill(now[random() % now.size()], SIGKILL) == 0) ++killed;
    const std::int64_t published = stat("published");  // kill again only after something went on
    while (stat("published") < published + 5) continue;
  }
  stop = true;
  std::map<std::string, std::vector<int>> answered;
  for (auto& [name, numbers] : publishers) answered[name] = numbers.get();
  EXPECT_EQ(publish("end").status, 200);
  for (auto& subscriber : subscribers) {
    const std::vector<std::string> messages = subscriber.get();
    for (const auto& [name, numbers] : answered) expect_every_answered_message_once(messages, name, numbers);
  }
  EXPECT_GT(answered["a"].size() + answered["b"].size(), 100U);
  wait_for("held", 0);
  wait_for("connections", 1);  // the one that asks
  print_figure(std::to_string(kills) + " workers killed, " +
               std::to_string(answered["a"].size() + answered["b"].size()) +
               " publishes answered, none lost");
}

TEST_F(PreforkKill, ACrashedWorkerCostsItsOwnClientOnly) {
  start({"--workers", "8"});
  std::vector<Connection> subscribers;
  for (int i = 0; i < 3; ++i) subscribers.push_back(hold());
  for (const pid_t worker : workers()) {
    if (stat("held") < 3) break;
    kill(worker, SIGABRT);
    const std::string said = "worker " + std::to_string(worker) + " was ended by signal 6";
    ASSERT_NO_FATAL_FAILURE(wait_until([&] { return server_->errors().find(said) != std::string::npos; }));
  }
  wait_for("held", 2);
  EXPECT_EQ(publish("m").header("Comet-Receivers"), "2");
  int received = 0;
  for (Connection& subscriber : subscribers) {
    try {
      received += subscriber.read_response().body == "m";
    } catch (const ClientError&) {  // the one whose worker crashed
    }
  }
  EXPECT_EQ(received, 2);
  wait_for("connections", 3);
}

TEST_F(PreforkKill, AWornWorkerIsReplacedBetweenConnections) {
  start({"--workers", "4", "--max-requests", "3"});
  const std::vector<pid_t> first = workers();
  ASSERT_NO_FATAL_FAILURE(wait_until([&] {
    EXPECT_EQ(get("/healthz").status, 200);
    return !one_is_left(first);
  }));
  Connection connection(server_->port());
  int answers = 0;
  for (std::string said; said != "close"; ++answers) {
    connection.send(get_request("/healthz"));
    said = connection.read_response().header("Connection");
  }
  EXPECT_LE(answers, 3);
  EXPECT_EQ(server_->errors(), "") << "a replaced worker is no news";
}

TEST_F(PreforkKill, ThePoolGrowsWithItsLoadAndTheLastIdleWorkerStaysForPublishers) {
  start({"--workers", "2:20"});
  std::vector<Connection> subscribers;
  for (int i = 0; i < 30; ++i) {
    subscribers.emplace_back(server_->port());
    subscribers.back().send(get_request("/subscribe"));
  }
  expect_all_but_one_held(30, 20);
  EXPECT_EQ(workers().size(), 20U);
  EXPECT_GE(std::stoi(publish("m").header("Comet-Receivers")), 18);
}

TEST_F(PreforkKill, AFixedPoolHoldsAllButOneOfASuddenCrowd) {
  start({"--workers", "20"});
  std::vector<Connection> subscribers;
  for (int i = 0; i < 30; ++i) {
    subscribers.emplace_back(server_->port());
    subscribers.back().send(get_request("/subscribe"));
  }
  expect_all_but_one_held(30, 20);
  EXPECT_GE(std::stoi(publish("m").header("Comet-Receivers")), 18);
}

}  // namespace
}  // namespace comet::test
