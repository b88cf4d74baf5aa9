// The base of the labs' own tests: the conformance suite's, with pause points, and names that are new in each
// run.
#pragma once

#include <random>
#include <string>

#include "labs/tests/pauses.hpp"
#include "tests/conformance/fixture.hpp"

namespace comet::test {

class LabTest : public ServerTest {
 protected:
  // Starts a server, and finds out whether it is built on the kit. Any other has no points.
  void start_with_points();
  // At a test's first step: fails if the server is built on the kit, and no thread has stopped at a kit::Mutex.
  void expect_mutex_of_the_kit(bool has_stopped) const;
  // A word of 8 letters, by GoogleTest's --gtest_random_seed.
  std::string random_word();
  // A POST of `message` to `channel`, to be sent.
  static std::string publish_request(const std::string& message, const std::string& channel);
  // Until the server has read all that was sent on the connection and all its threads sleep: they wait for
  // something from outside, for each other, or at a pause point.
  void wait_until_quiet(const Connection& connection);
  // The same of a server that may leave what was sent unread.
  void wait_until_asleep(const Connection& connection);
  // Fails if the server's threads go on running, although no request is left to work on.
  void expect_to_sleep();

  Pauses pauses_;
  bool has_points_ = false;  // as start_with_points() has found

 private:
  std::mt19937 random_{static_cast<unsigned>(testing::UnitTest::GetInstance()->random_seed())};
};

}  // namespace comet::test
