// The one timer for all deadlines: every deadline that is over is raised once, and none after it
// was cancelled.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <deque>
#include <thread>
#include <vector>

#include "patterns/continuations/deadline_timer.hpp"

namespace comet::continuations {
namespace {

class DeadlineTimerTest : public testing::Test {
 protected:
  struct Timed : Deadline {
    std::atomic<int> raised{0};
    std::atomic<int> run{0};
    std::atomic<Event> event{Event::readable};
  };

  boost::asio::io_context pool_;
  bool owner_ = true;
  DeadlineTimer timer_{pool_,
                       [this](Deadline& deadline, Event event) {
                         auto& timed = static_cast<Timed&>(deadline);
                         ++timed.raised;
                         timed.event = event;
                         return owner_;
                       },
                       [](Deadline& deadline) { ++static_cast<Timed&>(deadline).run; }};
};

TEST_F(DeadlineTimerTest, RaisesEveryDeadlineOnce) {
  std::deque<Timed> timed(1000);
  for (Timed& one : timed) timer_.set(one, Milliseconds{1});
  pool_.run();
  for (const Timed& one : timed) {
    EXPECT_EQ(one.raised, 1);
    EXPECT_EQ(one.run, 1);
    EXPECT_EQ(one.event, Event::time_over);
  }
}

TEST_F(DeadlineTimerTest, DoesNotRunWhatAnotherThreadOwns) {
  owner_ = false;
  Timed timed;
  timer_.set(timed, Milliseconds{1});
  pool_.run();
  EXPECT_EQ(timed.raised, 1);
  EXPECT_EQ(timed.run, 0);
}

TEST_F(DeadlineTimerTest, AnEarlierDeadlineSetLaterIsNotLate) {
  Timed slow, quick;
  timer_.set(slow, std::chrono::hours{1});
  timer_.set(quick, Milliseconds{1});
  while (quick.run == 0) pool_.run_one();
  EXPECT_EQ(slow.raised, 0);
}

TEST_F(DeadlineTimerTest, CancelledIsNotRaised) {
  Timed cancelled, other;
  timer_.set(cancelled, Milliseconds{1});
  timer_.set(other, Milliseconds{2});
  timer_.cancel(cancelled);
  pool_.run();
  EXPECT_EQ(cancelled.raised, 0);
  EXPECT_EQ(other.raised, 1);
}

TEST_F(DeadlineTimerTest, EndAllRaisesTheGivenEventForEach) {
  std::deque<Timed> timed(100);
  for (Timed& one : timed) timer_.set(one, std::chrono::hours{1});
  timer_.end_all(Event::drain);
  for (const Timed& one : timed) {
    EXPECT_EQ(one.raised, 1);
    EXPECT_EQ(one.event, Event::drain);
  }
  timer_.stop();
  EXPECT_GT(pool_.run(), 0u);  // ends, as the timer does not wait any more
}

TEST_F(DeadlineTimerTest, MaySetAndCancelInSeveralThreadsWhileItFires) {
  constexpr int kTimes = 2000;
  std::deque<Timed> timed(4);
  const auto work = boost::asio::make_work_guard(pool_);
  std::jthread firing([this] { pool_.run(); });
  {
    std::vector<std::jthread> threads;
    for (Timed& one : timed) {
      threads.emplace_back([this, &one] {
        for (int i = 0; i < kTimes; ++i) {
          timer_.set(one, Milliseconds{i % 3});
          if (i % 5 == 0) timer_.cancel(one);
        }
        timer_.cancel(one);
      });
    }
  }
  pool_.stop();
}

}  // namespace
}  // namespace comet::continuations
