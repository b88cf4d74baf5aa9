// What the tests of prefork's log share: publishing, reading, and a process of its own beside the test's.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "patterns/prefork/log/shared_log.hpp"

namespace comet::prefork {

constexpr Cursor kBegin{100, 0};

// Each has bytes of its own, so that those of another do not pass for them.
inline std::string numbered(int number, std::size_t size) {
  std::string body = std::to_string(number) + ' ';
  return body.append(size, static_cast<char>('a' + number % 26));
}

// The second may turn between two that are made at the same time.
inline std::string without_date(std::string response) {
  const auto start = response.find("Date: ");
  return response.erase(start, response.find("\r\n", start) + 2 - start);
}

inline std::string body_of(const Message& message) { return message.response->substr(message.head_size); }

class SharedLogTest : public testing::Test {
 protected:
  SharedLog::Published publish(SharedLog& log, const std::string& name, std::string_view body) {
    Channel channel(name);
    return log.publish(channel, body).value();
  }
  std::string after(const SharedLog& log, const std::string& name, Cursor since) {
    Channel channel(name);
    const auto found = log.first_after(channel, since);
    return (found.message ? body_of(*found.message) : "none") + (found.missed ? " missed" : "");
  }
  void TearDown() override {
    if (child_ > 0) stop();
  }
  // Runs `work` again and again in a process of its own until stop().
  void start(const std::function<void()>& work) {
    child_ = fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (child_ == 0) work();
  }
  void stop() {
    ASSERT_EQ(kill(child_, SIGKILL), 0);
    ASSERT_EQ(waitpid(child_, nullptr, 0), child_);
    child_ = -1;
  }

  pid_t child_ = -1;
};

}  // namespace comet::prefork
