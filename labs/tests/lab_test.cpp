// What the labs' tests share.
#include "labs/tests/lab_test.hpp"

#include <chrono>
#include <thread>
#include <utility>

#include "tests/conformance/process_group.hpp"

namespace comet::test {
namespace {

constexpr int kMostPoints = 50;

}  // namespace

// The kit's first point comes before READY.
void LabTest::start_with_points() {
  start();
  has_points_ = pauses_.has_anybody_come();
}

void LabTest::expect_mutex_of_the_kit(bool has_stopped) const {
  EXPECT_TRUE(has_stopped || !has_points_) << "the pause point 'mutex' was never reached: let a kit::Mutex "
                                              "guard what the threads share, for there a "
                                              "test can stop a thread";
}

std::string LabTest::random_word() {
  std::string word;
  for (int i = 0; i < 8; ++i) word += static_cast<char>('a' + random_() % 26);
  return word;
}

std::string LabTest::publish_request(const std::string& message, const std::string& channel) {
  return request("POST", "/publish?channel=" + channel, "Content-Type: text/plain\r\n", message);
}

// A thread that asks whether it is to stop sleeps, too, until it is answered. A request comes to fewer points
// than kMostPoints; a server that goes on coming to them never rests.
void LabTest::wait_until_quiet(const Connection& connection) {
  for (int point = 0; point < kMostPoints; ++point) {
    wait_until_settled(connection);
    if (!pauses_.has_anybody_come()) return;
  }
}

// The kernel lets a thread run as soon as bytes come that it waits for: if all sleep, nobody waits for these.
void LabTest::wait_until_asleep(const Connection& connection) {
  connection.wait_until_received();
  const auto give_up = std::chrono::steady_clock::now() + patience();
  std::string before;
  for (std::string now; now.empty() || now != before || pauses_.has_anybody_come();) {
    if (std::chrono::steady_clock::now() > give_up) throw ClientError("the server does not come to rest");
    before = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    now = sleeping_threads(server().pid());
  }
}

// A thread that has run between the two looks has another line in the second one.
void LabTest::expect_to_sleep() {
  const auto give_up = std::chrono::steady_clock::now() + patience();
  std::string before = "awake", now;
  while (now.empty() || now != before) {
    if (std::chrono::steady_clock::now() > give_up)
      FAIL() << "the server does not sleep, although nothing happens";
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    before = std::exchange(now, sleeping_threads(server().pid()));
  }
}

}  // namespace comet::test
