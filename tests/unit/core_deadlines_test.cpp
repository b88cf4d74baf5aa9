// Deadlines: which comes first, and that a deadline is in one place at most.
#include <gtest/gtest.h>

#include "core/deadlines.hpp"

namespace comet::core {
namespace {

using std::chrono::milliseconds;

class DeadlinesTest : public testing::Test {
 protected:
  const Clock::time_point start_ = Clock::now();
  Clock::time_point at(int time) const { return start_ + milliseconds(time); }
  void set(Deadline& deadline, int now, int after) { deadlines_.set(deadline, at(now), milliseconds(after)); }

  Deadlines deadlines_;
};

TEST_F(DeadlinesTest, NoneWhereNothingIsSet) {
  EXPECT_EQ(deadlines_.next(), std::nullopt);
  EXPECT_EQ(deadlines_.take_expired(at(1000)), nullptr);
}

TEST_F(DeadlinesTest, EarliestOfSeveralDurationsIsNext) {
  Deadline slow, quick, later;
  set(slow, 0, 100);
  set(quick, 50, 10);
  set(later, 70, 10);
  EXPECT_EQ(deadlines_.next(), at(60));
}

TEST_F(DeadlinesTest, ExpireOnceAndNotBeforeTheirTime) {
  Deadline first, second;
  set(first, 0, 10);
  set(second, 5, 10);
  EXPECT_EQ(deadlines_.take_expired(at(9)), nullptr);
  EXPECT_EQ(deadlines_.take_expired(at(10)), &first);
  EXPECT_EQ(deadlines_.take_expired(at(10)), nullptr);
  EXPECT_EQ(deadlines_.take_expired(at(15)), &second);
  EXPECT_EQ(deadlines_.next(), std::nullopt);
}

TEST_F(DeadlinesTest, SettingAgainReplaces) {
  Deadline deadline;
  set(deadline, 0, 10);
  set(deadline, 0, 30);
  EXPECT_EQ(deadlines_.next(), at(30));
  set(deadline, 20, 30);
  EXPECT_EQ(deadlines_.next(), at(50));
  EXPECT_EQ(deadlines_.take_expired(at(49)), nullptr);
  EXPECT_EQ(deadlines_.take_expired(at(50)), &deadline);
}

TEST_F(DeadlinesTest, CancelledDoesNotExpire) {
  Deadline deadline;
  set(deadline, 0, 10);
  Deadlines::cancel(deadline);
  Deadlines::cancel(deadline);
  EXPECT_EQ(deadlines_.next(), std::nullopt);
  EXPECT_EQ(deadlines_.take_expired(at(100)), nullptr);
}

TEST_F(DeadlinesTest, DestroyedDeadlineLeaves) {
  Deadline stays;
  {
    Deadline goes;
    set(goes, 0, 10);
    set(stays, 5, 10);
  }
  EXPECT_EQ(deadlines_.next(), at(15));
}

TEST_F(DeadlinesTest, ExpiredCanBeSetAgainAtOnce) {
  Deadline deadline;
  set(deadline, 0, 10);
  ASSERT_EQ(deadlines_.take_expired(at(10)), &deadline);
  set(deadline, 10, 0);
  EXPECT_EQ(deadlines_.take_expired(at(10)), &deadline);
}

TEST_F(DeadlinesTest, MayOutliveTheirOwner) {
  Deadline deadline;
  {
    Deadlines owner;
    owner.set(deadline, at(0), milliseconds(10));
  }
  set(deadline, 0, 20);
  EXPECT_EQ(deadlines_.next(), at(20));
}

}  // namespace
}  // namespace comet::core
