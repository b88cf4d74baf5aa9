// Messages that come in the moment in which holds end by their time and clients leave, again and again:
// nothing lost, repeated or wrong. One thread sends all the requests, so that the holds end close together.
#include <algorithm>
#include <random>
#include <thread>

#include "tests/conformance/fixture.hpp"
#include "tests/hardening/poller.hpp"
#include "tests/hardening/scale.hpp"

namespace comet::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kHold{100};
constexpr int kChannels = 8;
constexpr int kReaders = 10;  // of each channel
constexpr int kLeavers = 2;   // of each channel
constexpr int kConnections = kChannels * (kReaders + kLeavers + 1);

struct Readers {
  std::string channel;
  Publisher publisher;
  std::vector<Poller> pollers;
  std::vector<Connection> leavers;
};

class HoldRaces : public ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    watch_dog(scale().watch_dog);
    start({}, kConnections + 24);
    for (int i = 0; i < kChannels; ++i) {
      const std::string channel = "channel-" + std::to_string(i);
      channels_.push_back({channel, Publisher(server().port(), channel), {}, {}});
      for (int reader = 0; reader < kReaders; ++reader) {
        channels_.back().pollers.emplace_back(server().port(), channel, "&timeout=0.1");
      }
    }
  }

  void hold_all() {
    for (Readers& readers : channels_) {
      for (Poller& poller : readers.pollers) poller.ask();
      for (int i = 0; i < kLeavers; ++i) {
        readers.leavers.push_back(connect());
        readers.leavers.back().send(get_request("/subscribe?channel=" + readers.channel));
      }
    }
  }

  // Channel after channel, from the moment in which the first hold ends on: those leave that do, and a
  // message comes. Returns how many holds the messages woke.
  int leave_and_publish(Clock::time_point first_end, const std::string& message) {
    int woken = 0;
    auto moment = first_end - milliseconds(1);
    for (Readers& readers : channels_) {
      moment += microseconds(random_() % 1'000);
      std::this_thread::sleep_until(moment);
      readers.leavers.front().reset();
      readers.leavers.clear();
      woken += readers.publisher.publish(message);
    }
    return woken;
  }

  // A hold whose time was over is followed by a poll that finds the message in the log.
  void expect_message_everywhere(const std::string& message) {
    for (Readers& readers : channels_) {
      for (Poller& poller : readers.pollers) {
        auto received = poller.take();
        if (!received) received = poller.poll();
        ASSERT_EQ(received.value_or("nothing"), message) << "lost, repeated or wrong";
      }
    }
  }

 private:
  std::vector<Readers> channels_;
  std::mt19937 random_{7};
};

TEST_F(HoldRaces, AMessageThatComesAsHoldsEndAndClientsLeaveReachesEachReaderOnce) {
  const int rounds = scale().hold_races;
  std::int64_t woken = 0;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    const std::string message = "message " + std::to_string(round);
    const auto begin = Clock::now();
    hold_all();
    woken += leave_and_publish(begin + kHold, message);
    expect_message_everywhere(message);
  }
  wait_for("held", 0);
  const std::int64_t timeouts = stat("timeouts");
  const std::int64_t disconnects = stat("disconnects");
  // Or it was no race. Of those who could: a tenth in a soak, which has the machine to itself;
  // elsewhere somebody.
  const int share = is_soak() ? 10 : rounds * kChannels * kReaders;
  EXPECT_GE(timeouts, std::max(1, rounds * kChannels * kReaders / share));
  EXPECT_GE(disconnects, std::max(1, rounds * kChannels * kLeavers / share));
  if (HasFailure()) return;
  print_figure(std::to_string(rounds * kChannels) + " messages as holds end: " + std::to_string(woken) +
               " holds woken, " + std::to_string(timeouts) + " timed out, " + std::to_string(disconnects) +
               " left; 0 lost, 0 repeated, 0 wrong");
}

}  // namespace
}  // namespace comet::test
