// Clients that send or read as slowly as they can, many at once, while ordinary ones go on as if they
// were not there.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <thread>

#include "tests/conformance/fixture.hpp"
#include "tests/hardening/poller.hpp"
#include "tests/hardening/scale.hpp"

namespace comet::test {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr int kReaders = 8;
constexpr int kBigMessages = 40;
constexpr std::size_t kBigMessage = 60'000;  // so that an answer does not fit a socket's buffers
constexpr double kAllowanceMs = 0.2;
constexpr int kAttempts = 4;                // at a publish that takes no more than twice as long
constexpr milliseconds kRound{300};         // in which each slow client sends a byte
constexpr milliseconds kReaderLife{4'000};  // then it is replaced, whether the server has ended it or not

struct SlowClient {
  Connection connection;
  Clock::time_point opened = Clock::now();
};

class Slow : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    watch_dog(scale().watch_dog);
  }

  void TearDown() override {
    stop_ = true;
    if (slow_.valid()) slow_.get();
    ServerTest::TearDown();
  }

  SlowClient open(const std::string& beginning, int receive_buffer = 0) {
    SlowClient client{connect(receive_buffer)};
    client.connection.send(beginning);
    return client;
  }
  SlowClient open_slow_header() { return open("GET /healthz HTTP/1.1\r\nHost: "); }
  SlowClient open_slow_body() {
    return open("POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n");
  }
  SlowClient open_slow_reader() {
    std::string polls;
    for (int i = 0; i < 2 * kBigMessages; ++i) polls += get_request("/subscribe?channel=big&since=0");
    return open(polls, 4096);
  }

  // A byte from each of them, again and again, spread over each round as clients that know nothing of each
  // other are; one whose time is over gets its 408 and is replaced.
  void be_slow(int of_each_kind) {
    std::vector<SlowClient> headers, bodies, readers;
    for (int i = 0; i < of_each_kind; ++i) {
      headers.push_back(open_slow_header());
      bodies.push_back(open_slow_body());
      readers.push_back(open_slow_reader());
    }
    all_slow_ = true;
    for (int next = 0; !stop_; next = (next + 1) % of_each_kind) {
      go_on(headers[next], headers_timed_out_, [this] { return open_slow_header(); });
      go_on(bodies[next], bodies_timed_out_, [this] { return open_slow_body(); });
      if (Clock::now() - readers[next].opened > kReaderLife) readers[next] = open_slow_reader();
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(kRound) / of_each_kind);
    }
  }

  template <class Open>
  void go_on(SlowClient& client, std::atomic<int>& timed_out, Open open_again) {
    client.connection.send("a");
    if (!client.connection.readable_within(milliseconds(0))) return;
    EXPECT_EQ(client.connection.read_response().status, 408);
    ++timed_out;
    client = open_again();
  }

  // Publishes while kReaders poll; the time that each publish took, sorted.
  std::vector<double> publish_and_deliver(const std::string& channel) {
    const int count = scale().publishes;
    std::vector<std::future<void>> readers;
    for (int i = 0; i < kReaders; ++i) {
      readers.push_back(std::async(std::launch::async, [this, channel, count] {
        Poller poller(server().port(), channel);
        for (int number = 0; number < count; ++number) {
          std::optional<std::string> message;
          while (!message) message = poller.poll();
          EXPECT_EQ(*message, std::to_string(number));
        }
      }));
    }
    std::vector<double> took;
    Publisher publisher(server().port(), channel);
    for (int number = 0; number < count; ++number) {
      const auto begin = Clock::now();
      publisher.publish(std::to_string(number));
      took.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
      std::this_thread::sleep_for(milliseconds(1));
    }
    for (auto& reader : readers) EXPECT_NO_THROW(reader.get()) << "an ordinary subscriber saw an error";
    std::sort(took.begin(), took.end());
    return took;
  }

  static std::string described(const std::vector<double>& sorted) {
    char text[100];
    std::snprintf(text, sizeof text, "p50 %.2f ms, p99 %.2f ms, max %.2f ms", sorted[sorted.size() / 2],
                  sorted[sorted.size() * 99 / 100], sorted.back());
    return text;
  }

  // Twice as long at most, and a little that a shared machine may add.
  static bool is_within_twice(const std::vector<double>& alone, const std::vector<double>& beside) {
    const auto within = [&](std::size_t at) { return beside[at] <= 2 * alone[at] + kAllowanceMs; };
    return within(alone.size() / 2) && within(alone.size() * 99 / 100);
  }

  // Publishes without slow clients and then beside them, until as many of each kind as there are
  // have been told
  // 408. True: within twice the time.
  bool measure(int of_each_kind, int attempt) {
    const std::vector<double> alone = publish_and_deliver("alone-" + std::to_string(attempt));
    stop_ = all_slow_ = false;
    headers_timed_out_ = bodies_timed_out_ = 0;
    slow_ = std::async(std::launch::async, [this, of_each_kind] { be_slow(of_each_kind); });
    while (!all_slow_ && slow_.wait_for(milliseconds(1)) == std::future_status::timeout) continue;
    const std::vector<double> beside = publish_and_deliver("beside-" + std::to_string(attempt));
    const auto some_wait = [&] {
      return std::min(headers_timed_out_.load(), bodies_timed_out_.load()) < of_each_kind;
    };
    while (some_wait() && slow_.wait_for(milliseconds(1)) == std::future_status::timeout) continue;
    stop_ = true;
    EXPECT_NO_THROW(slow_.get());
    wait_for("held", 0);
    wait_for("connections", 1);
    print_figure("publish alone: " + described(alone));
    print_figure("publish beside " + std::to_string(3 * of_each_kind) +
                 " slow clients: " + described(beside));
    return is_within_twice(alone, beside);
  }

  std::atomic<bool> stop_ = false;
  std::atomic<bool> all_slow_ = false;
  std::atomic<int> headers_timed_out_ = 0;
  std::atomic<int> bodies_timed_out_ = 0;
  std::future<void> slow_;
};

TEST_F(Slow, ClientsDoNotDisturbOrdinaryOnes) {
  const int of_each_kind = scale().slow_clients;
  start({"--header-timeout", "1", "--idle-timeout", "20", "--history", std::to_string(scale().publishes)},
        4 * of_each_kind + kReaders + 32);
  for (int i = 0; i < kBigMessages; ++i) publish(std::string(kBigMessage, 'a'), "big");
  bool within = measure(of_each_kind, 1);
  if (!is_soak()) return;  // speed is not for a machine that runs other tests beside this one
  for (int attempt = 2; !within && attempt <= kAttempts; ++attempt) {
    within = measure(of_each_kind, attempt);
  }
  EXPECT_TRUE(within) << "a publish beside slow clients took more than twice the time, in each attempt";
}

// Debian's slowhttptest in the background, `attack` being its own options; its status is for waitpid().
pid_t start_slowhttptest(const std::string& attack, const std::string& url) {
  const std::string command =
      "exec slowhttptest -c 1000 -r 500 -i 1 -l 8 -p 3 " + attack + " -u '" + url + "' >/dev/null";
  const pid_t tool = fork();
  if (tool == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  return tool;
}

TEST_F(Slow, SlowhttptestDoesNotDisturbOrdinaryOnes) {
  if (!is_soak()) GTEST_SKIP() << "takes half a minute: part of `make soak`";
  start({"--header-timeout", "2", "--idle-timeout", "5", "--history", std::to_string(scale().publishes)},
        1100);
  publish(std::string(kBigMessage, 'a'), "big");
  const std::vector<double> alone = publish_and_deliver("alone");
  print_figure("publish alone: " + described(alone));
  const std::string url = "http://127.0.0.1:" + std::to_string(server().port());
  const std::vector<std::array<std::string, 3>> attacks{
      {"slow header", "-H", "/healthz"},
      {"slow body", "-B", "/publish"},
      {"slow reader", "-X -k 5 -w 10 -y 20 -n 1 -z 32", "/subscribe?channel=big&since=0"}};
  for (const auto& [name, options, target] : attacks) {
    SCOPED_TRACE(name);
    const pid_t tool = start_slowhttptest(options, url + target);
    ASSERT_GT(tool, 0);
    int status = 0;
    bool within = false;
    for (int round = 0; waitpid(tool, &status, WNOHANG) == 0; ++round) {
      const auto took =
          publish_and_deliver("slowhttptest-" + std::to_string(tool) + "-" + std::to_string(round));
      if (round == 0) print_figure("publish beside slowhttptest, " + name + ": " + described(took));
      within = within || is_within_twice(alone, took);
    }
    EXPECT_TRUE(within) << "a publish took more than twice the time, in each round";
    EXPECT_EQ(status, 0) << "slowhttptest says that the server was not there, or could not be run";
  }
}

}  // namespace
}  // namespace comet::test
