// What the tests of comet-prefork's workers share: the server, its workers by /proc, and waiting for them.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/conformance/client.hpp"
#include "tests/conformance/server_process.hpp"

namespace comet::test {

class PreforkTest : public testing::Test {
 protected:
  void start(const std::vector<std::string>& options) {
    std::vector<std::string> words{PREFORK_PROGRAM, "--port", "0"};
    words.insert(words.end(), options.begin(), options.end());
    server_ = std::make_unique<ServerProcess>(PREFORK_PROGRAM, ".", words);
    server_->wait_until_ready(patience());
  }

  void TearDown() override {
    server_->signal(SIGTERM);
    EXPECT_EQ(server_->wait_for_exit(std::chrono::milliseconds(6000)), 0) << server_->errors();
    EXPECT_TRUE(server_->group_has_ended(patience()));
    EXPECT_EQ(server_->errors().find("Sanitizer"), std::string::npos) << server_->errors();
  }

  std::vector<pid_t> workers() const {
    const std::string master = std::to_string(server_->pid());
    std::ifstream children("/proc/" + master + "/task/" + master + "/children");
    std::vector<pid_t> found;
    for (pid_t worker; children >> worker;) found.push_back(worker);
    return found;
  }

  void wait_until(const std::function<bool()>& holds) {
    const auto give_up = std::chrono::steady_clock::now() + patience();
    while (!holds()) ASSERT_LT(std::chrono::steady_clock::now(), give_up) << server_->errors();
  }

  std::unique_ptr<ServerProcess> server_;
};

}  // namespace comet::test
